"""The CDK app: reads the stage, builds its stacks. ``cdk synth -c stage=prod``, or ``python app.py`` for dev."""

import sys

from stacks.application import APPLICATION
from twinvault_cdk import synthesize

if __name__ == "__main__":
    sys.exit(synthesize(APPLICATION))
