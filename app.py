"""The CDK app: reads the stage, builds its stacks. ``cdk synth -c stage=prod``, or ``python app.py`` for dev."""

import json
import sys
from pathlib import Path

from aws_cdk import App

from stacks.deployment import add_deployment
from stacks.stage import StageError


def main() -> int:
    """Synthesizes the stage's stacks and returns the exit code."""
    # The CDK command hands cdk.json's context over; run directly, it is read here. What -c says wins in both cases.
    context = json.loads(Path(__file__).with_name("cdk.json").read_text(encoding="utf-8"))["context"]
    # The command asks for these; without them the template does not say where the artifact is, which SAM must know.
    metadata = {"aws:cdk:enable-asset-metadata": True, "aws:cdk:enable-path-metadata": True}
    app = App(context=context | metadata, analytics_reporting=False)
    try:
        add_deployment(app)
    except StageError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
