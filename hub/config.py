"""Settings: read once from `TUTTI_*` in the environment, each with a default that works.

`tutti settings` prints this table with the values in force; `docs/settings.md` is checked against it.
"""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hub.errors import SetupError

ORIGIN = re.compile(r"https?://[^\s/,]+")


class Settings(BaseSettings):
    """What can be set from outside."""

    model_config = SettingsConfigDict(env_prefix="TUTTI_", frozen=True, extra="ignore")

    host: str = Field(default="127.0.0.1", description="Address the hub listens on.")
    port: int = Field(
        default=8470, ge=0, le=65535, description="Port the hub listens on; 0 takes a free one."
    )
    public_url: str = Field(
        default="", description="Where customers reach the hub (links in email); default: http://HOST:PORT."
    )
    origins: str = Field(
        default="*",
        description="Whose pages may ask the hub from a browser: origins such as https://shop.example, or * (all).",
    )
    data_dir: Path = Field(
        default=Path(".tutti"), description="Where the embedded server, keys and models are kept."
    )
    mongodb_uri: SecretStr | None = Field(
        default=None,
        description="A MongoDB replica set, sharded cluster or Atlas; default: the embedded server.",
    )
    database: str = Field(
        default="tutti", pattern=r"^[A-Za-z0-9_-]{1,38}$", description="Name of the database."
    )
    mongod: Path | None = Field(
        default=None, description="The mongod to start as embedded server; default: PATH, then the wheel."
    )
    model_dir: Path = Field(
        default=Path("~/.cache/tutti/models"), description="Where prepared embedding models are kept."
    )
    encoder: str = Field(
        default="minilm-int8",
        description="Which encoder makes vectors: minilm-int8 or minilm (full precision).",
    )
    encoder_threads: int = Field(
        default=2, ge=1, le=64, description="How many texts the quantised encoder works on side by side."
    )
    default_region: str = Field(
        default="GB",
        pattern="^[A-Z]{2}$",
        description="Region (ISO 3166) that is assumed where none is said.",
    )
    personalization_opt_in: str = Field(
        default="EEA",
        description="Regions where personalization waits for consent: ISO 3166 codes, EEA or * (everywhere).",
    )
    retention_days: int = Field(default=400, ge=1, description="How long served experiences can be replayed.")
    behaviour_days: int = Field(
        default=1_100,
        ge=1,
        description="How long what customers looked at, searched and clicked is kept after it came.",
    )
    question_days: int = Field(
        default=180, ge=1, description="How long it is kept which questions had no sure answer."
    )
    body_limit: int = Field(default=524_288, ge=1024, description="Largest request body, in bytes.")
    batch_limit: int = Field(default=2_000, ge=1, description="Most events in one batch.")
    watches: int = Field(
        default=1_000, ge=1, description="Most customers that one process watches at once for subscriptions."
    )
    watches_per_key: int = Field(default=500, ge=1, description="Most of them for one key.")
    deadline: float = Field(default=10.0, gt=0, description="Seconds after which a request is given up.")
    store_deadline: float = Field(
        default=1.0, gt=0, description="Seconds the store may take before an experience is degraded."
    )
    log_format: Literal["pretty", "json"] = Field(default="pretty", description="How log lines are written.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level logged."
    )

    @field_validator("origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        for origin in value.replace(",", " ").split():
            if origin != "*" and not ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is no origin: scheme and host, such as https://shop.example")
        return value

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """Whose pages may ask the hub from a browser."""
        return tuple(self.origins.replace(",", " ").split())

    @property
    def base_url(self) -> str:
        """Where customers reach the hub, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        SetupError: names every variable that cannot be understood, and why.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(f"TUTTI_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise SetupError(f"these settings cannot be understood: {faults}") from None
