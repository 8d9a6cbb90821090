"""The settings of one process: read once when it starts, from the environment, and passed down from there.

What the environment leaves out is taken from `local.json` in the home directory, where `penstock up` writes
the addresses of what it has started.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from penstock.runtime.errors import NotConfigured

# The fields that `local.json` may fill in, each with the variable that overrides it.
ADDRESSES: Final = {
    "kafka_bootstrap_servers": "KAFKA_BOOTSTRAP_SERVERS",
    "database_url": "DATABASE_URL",
    "schema_registry_url": "SCHEMA_REGISTRY_URL",
}


def _from_json(given: object) -> object:
    """The value that text stands for. Raises ValueError."""
    try:
        return json.loads(given) if isinstance(given, str) else given
    except ValueError:
        raise ValueError('it isn\'t JSON, as in {"/bank/disputes": ["analyst"]}') from None


GroupRoles = Annotated[Mapping[str, tuple[str, ...]], NoDecode, BeforeValidator(_from_json)]


class Settings(BaseSettings):
    """Every limit has a name, a unit and a default. An empty address is one that nobody has given yet."""

    model_config = SettingsConfigDict(
        frozen=True, env_prefix="PENSTOCK_", populate_by_name=True, extra="ignore"
    )

    kafka_bootstrap_servers: str = Field(default="", validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    database_url: str = Field(default="", validation_alias="DATABASE_URL", repr=False)
    schema_registry_url: str = Field(default="", validation_alias="SCHEMA_REGISTRY_URL")
    home: Annotated[Path, AfterValidator(Path.absolute)] = Path(".penstock").absolute()
    application: str = "penstock.examples.casework.app:application"
    deployment_tenant: str = Field(default="local", min_length=1)
    worker_name: str = ""
    apart: bool = False
    batch_records_max: int = Field(default=1_000, ge=1, le=10_000)
    lease_ms: int = Field(default=10_000, ge=100)
    session_timeout_ms: int = Field(default=10_000, ge=6_000)
    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8080, ge=0, le=65_535)
    api_public_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    oidc_issuer: str = ""
    oidc_audience: str = ""
    oidc_jwks_url: str = ""
    oidc_leeway_s: int = Field(default=60, ge=0, le=600)
    oidc_tenant_claim: str = Field(default="tenant", min_length=1)
    oidc_roles_claim: str = Field(default="roles", min_length=1)
    oidc_groups_claim: str = Field(default="groups", min_length=1)
    oidc_group_roles: GroupRoles = Field(default_factory=dict)
    oidc_subject_claim: str = Field(default="sub", min_length=1)
    oidc_service_claim: str = ""
    api_key_requests_per_minute: int = Field(default=60_000, ge=1)
    api_failures_per_minute: int = Field(default=60, ge=1)
    api_requests_max: int = Field(default=500, ge=1)
    api_connections_max: int = Field(default=4_000, ge=1)
    api_head_s: float = Field(default=10, gt=0)
    api_streams_max: int = Field(default=1_000, ge=1)
    api_streams_caller_max: int = Field(default=500, ge=1)
    api_stream_heartbeat_s: float = Field(default=15, gt=0)
    api_stream_s_max: float = Field(default=3_600, gt=0)
    open_runs_tenant_max: int = Field(default=50_000, ge=1)
    open_runs_total_max: int = Field(default=200_000, ge=1)
    webhook_hosts_allowed: str = ""
    views_lag_max_s: int = Field(default=60, ge=1)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    def __init__(self, **values: Any) -> None:
        """As the environment says, unless `values` do. Raises NotConfigured for a value that can't be."""
        try:
            super().__init__(**values)
        except ValidationError as error:
            said = "; ".join(f"{_variable(each['loc'])}: {each['msg']}" for each in error.errors())
            raise NotConfigured(f"{said}: correct it, or unset it for the default") from None

    @classmethod
    def load(cls) -> "Settings":
        """The environment, then `local.json`. Raises NotConfigured if broker or database is unknown."""
        settings = cls.partial()
        for field in ("kafka_bootstrap_servers", "database_url"):
            if not getattr(settings, field):
                raise NotConfigured(
                    f"{ADDRESSES[field]} isn't set and {settings.local_file} doesn't say it either: "
                    f"type `penstock up`, or export {ADDRESSES[field]}"
                )
        return settings

    @classmethod
    def partial(cls) -> "Settings":
        """Like load, but addresses may still be missing: for the program that starts what stands there."""
        settings = cls()
        written = settings.read_local()
        missing = {
            field: str(written[field])
            for field in ADDRESSES
            if not getattr(settings, field) and written.get(field)
        }
        return settings.model_copy(update=missing)

    def read_local(self) -> dict[str, object]:
        """What `penstock up` wrote, or nothing. Raises NotConfigured if the file can't be read as JSON."""
        try:
            written = json.loads(self.local_file.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise NotConfigured(
                f"{self.local_file} can't be read ({error}): remove it, then `penstock up`"
            ) from error
        return written if isinstance(written, dict) else {}

    @property
    def session_heartbeat_ms(self) -> int:
        """How often members of a group tell that they are there; who stays hears of who has gone by the next one."""
        return self.session_timeout_ms // 10

    @property
    def local_file(self) -> Path:
        """Addresses and process ids of what `penstock up` started."""
        return self.home / "local.json"

    @property
    def keys_file(self) -> Path:
        """The keys with which inputs are signed, mode 0600."""
        return self.home / "keys.json"

    @property
    def api_keys_file(self) -> Path:
        """The hashes of the API's keys, with tenants and roles."""
        return self.home / "api-keys.json"


def _variable(loc: tuple[int | str, ...]) -> str:
    """The environment variable of a field, as an error names the field."""
    name = str(loc[0])
    return ADDRESSES.get(name, name if name in ADDRESSES.values() else f"PENSTOCK_{name.upper()}")
