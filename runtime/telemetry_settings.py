"""What telemetry can be told beside OpenTelemetry's own OTEL_* variables, which it respects."""

from typing import Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from penstock.runtime.meters import TENANTS_MAX_DEFAULT

# Of a hundred new traces one is sampled, unless OTEL_TRACES_SAMPLER says otherwise.
SAMPLED_SHARE: Final = 0.01


class TelemetrySettings(BaseSettings):
    """Where a process shows its metrics, and how many tenants it tells apart. Port 0: nowhere."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True, extra="ignore")

    host: str = Field(default="127.0.0.1", validation_alias="PENSTOCK_METRICS_HOST")
    port: int = Field(default=0, ge=0, le=65_535, validation_alias="PENSTOCK_METRICS_PORT")
    tenants_max: int = Field(
        default=TENANTS_MAX_DEFAULT, ge=0, le=1_000, validation_alias="PENSTOCK_METRICS_TENANTS_MAX"
    )
