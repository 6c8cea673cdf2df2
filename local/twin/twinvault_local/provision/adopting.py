"""Tables that a stage adopts: restored ones that functions use in place of the stack's own.

The template names each by an output, ``AdoptedRecordsTable``. CloudFormation makes and changes none of them, and
neither does the twin: it must be there, with the keys and indexes of the one in whose place it stands. The gate lets
the same into it, as if its resource policy had been put on already: no engine here could tell.
"""

from twinvault_local.provision.tables import GLOBAL_TABLE, TABLE
from twinvault_local.provision.template import Assembly

OUTPUT = "Adopted{}Table"
# What a restore leaves out and the engine knows (DynamoDB API Reference, "RestoreTableToPointInTime").
NOT_RESTORED = frozenset({"StreamSpecification", "TimeToLiveSpecification"})


def adopted(assembly: Assembly) -> dict[str, str]:
    """The adopted tables: the path of the resource in whose place each stands, and its name.

    Raises:
        TemplateError: an adopted table is named by a reference.
    """
    outputs = {
        name: body["Value"] for one in assembly.templates.values() for name, body in one.get("Outputs", {}).items()
    }
    found = {}
    for resource in assembly.resources(TABLE, GLOBAL_TABLE):
        value = outputs.get(OUTPUT.format(resource.logical_id))
        if isinstance(value, str):
            found[resource.path] = value
    return found
