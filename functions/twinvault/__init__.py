"""Twinvault: an encrypted record store on Amazon DynamoDB.

This is the public surface: what stands in `__all__` keeps its promises from one minor version to the next. The rooms
below (`envelope`, `keys`, `records`, `audit`) are for those who change the library.
"""

from twinvault.acting import Acting
from twinvault.compose import now, open_vault, signing_receipts
from twinvault.dynamodb.table import TableNames
from twinvault.envelope import FORMAT, ID
from twinvault.erasure.finalizing import Finalizing, FinalizingWork, KeyWorks
from twinvault.erasure.horizon import CopiesKept
from twinvault.erasure.procedure import ErasureProcedure, ErasureRules
from twinvault.erasure.proof import ErasureFacts, Receipts
from twinvault.erasure.request import ErasureRequest, ErasureState, Said
from twinvault.erasure.sweeping import Sweeping
from twinvault.errors import (
    BrokenChain,
    BrokenReceipt,
    CallerError,
    ChainStep,
    ConfigurationError,
    Conflict,
    Contention,
    DependencyError,
    Forbidden,
    Gone,
    Held,
    Incomplete,
    IntegrityError,
    InvalidInput,
    KeyRefused,
    Misconfigured,
    NotFound,
    OutcomeUnknown,
    Place,
    ReceiptStep,
    Step,
    TooLarge,
    TwinvaultError,
    Unauthenticated,
    Undeclared,
    Unprocessable,
)
from twinvault.keys.deks import DekVersionUse
from twinvault.keys.holding import Hold
from twinvault.keys.overview import KeyRow
from twinvault.keys.rerooting import Rerooted
from twinvault.keys.status import EpochUse, KeyStatus, RootKeyUse
from twinvault.maintenance.counts import Counts
from twinvault.maintenance.driving import Maintenance
from twinvault.maintenance.jobs import JOBS, Job, JobStep
from twinvault.maintenance.recovery import Recovery
from twinvault.maintenance.recovery_jobs import recovery_jobs
from twinvault.maintenance.reencrypting import Reencrypt
from twinvault.maintenance.rekeying import Rekeying
from twinvault.maintenance.report import RecoveryReport
from twinvault.maintenance.schedule import Carried, Driver, carry_on
from twinvault.maintenance.work import Lease, RefusedPartition, Work, WorkState
from twinvault.records.batches import item_size
from twinvault.records.blind import Blind, casefold_nfc
from twinvault.records.changes import ABSENT, Absent, Changes, Written
from twinvault.records.dek_life import DeksDestroyed, DekUse
from twinvault.records.finding import FoundPage, FoundRecord
from twinvault.records.hits import Hits, Opened, OpenedPage, Refused
from twinvault.records.listing import Listing
from twinvault.records.paging import RecordPage
from twinvault.records.partition import Look, Snapshot
from twinvault.records.record import Draft, StoredRecord
from twinvault.records.requests import Idempotency
from twinvault.records.rewriting import Rewritten
from twinvault.records.spec import FLAG, HEAD, NULLABLE, NUMBER, SEALED, TEXT, EntitySpec, KindSpec, head_spec
from twinvault.records.store import PartitionStore
from twinvault.records.typed.kind import Kind
from twinvault.records.typed.markers import Clear, Moved, Searchable, Was, retired
from twinvault.records.typed.partition import TypedPartition, Writes
from twinvault.records.typed.record import Record, from_stored, sort_key, to_draft
from twinvault.records.typed.records import Page, Records
from twinvault.scope import Scope
from twinvault.tenant_holds import TenantHolds
from twinvault.tenant_keys import KeyEpoch, TenantKeys
from twinvault.vault import Vault

__all__ = [
    "ABSENT",
    "FLAG",
    "FORMAT",
    "HEAD",
    "ID",
    "JOBS",
    "NULLABLE",
    "NUMBER",
    "SEALED",
    "TEXT",
    "Absent",
    "Acting",
    "Blind",
    "BrokenChain",
    "BrokenReceipt",
    "CallerError",
    "Carried",
    "ChainStep",
    "Changes",
    "Clear",
    "ConfigurationError",
    "Conflict",
    "Contention",
    "CopiesKept",
    "Counts",
    "DekUse",
    "DekVersionUse",
    "DeksDestroyed",
    "DependencyError",
    "Draft",
    "Driver",
    "EntitySpec",
    "EpochUse",
    "ErasureFacts",
    "ErasureProcedure",
    "ErasureRequest",
    "ErasureRules",
    "ErasureState",
    "Finalizing",
    "FinalizingWork",
    "Forbidden",
    "FoundPage",
    "FoundRecord",
    "Gone",
    "Held",
    "Hits",
    "Hold",
    "Idempotency",
    "Incomplete",
    "IntegrityError",
    "InvalidInput",
    "Job",
    "JobStep",
    "KeyEpoch",
    "KeyRefused",
    "KeyRow",
    "KeyStatus",
    "KeyWorks",
    "Kind",
    "KindSpec",
    "Lease",
    "Listing",
    "Look",
    "Maintenance",
    "Misconfigured",
    "Moved",
    "NotFound",
    "Opened",
    "OpenedPage",
    "OutcomeUnknown",
    "Page",
    "PartitionStore",
    "Place",
    "ReceiptStep",
    "Receipts",
    "Record",
    "RecordPage",
    "Records",
    "Recovery",
    "RecoveryReport",
    "Reencrypt",
    "Refused",
    "RefusedPartition",
    "Rekeying",
    "Rerooted",
    "Rewritten",
    "RootKeyUse",
    "Said",
    "Scope",
    "Searchable",
    "Snapshot",
    "Step",
    "StoredRecord",
    "Sweeping",
    "TableNames",
    "TenantHolds",
    "TenantKeys",
    "TooLarge",
    "TwinvaultError",
    "TypedPartition",
    "Unauthenticated",
    "Undeclared",
    "Unprocessable",
    "Vault",
    "Was",
    "Work",
    "WorkState",
    "Writes",
    "Written",
    "carry_on",
    "casefold_nfc",
    "from_stored",
    "head_spec",
    "item_size",
    "now",
    "open_vault",
    "recovery_jobs",
    "retired",
    "signing_receipts",
    "sort_key",
    "to_draft",
]
