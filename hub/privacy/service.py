"""What privacy is made of, in one hand: rules, exports, erasures, requests from elsewhere."""

from dataclasses import dataclass

from embeddings.cache import CachedEncoder
from hub.auth.tokens import Signer
from hub.config import Settings
from hub.consent.regions import Rules
from hub.kit.clock import Clock
from hub.privacy.erasure import ErasureService
from hub.privacy.export import ExportService
from hub.privacy.forgetting import ForgettingService
from hub.privacy.opendsr import OpenDsrService
from hub.privacy.retention import RetentionService
from hub.profiles.service import ProfileService
from hub.store.database import Store


@dataclass(frozen=True, slots=True)
class PrivacyService:
    """The rights of customers over their data."""

    rules: Rules
    exports: ExportService
    erasures: ErasureService
    opendsr: OpenDsrService
    retention: RetentionService
    forgetting: ForgettingService

    @classmethod
    def build(
        cls,
        settings: Settings,
        store: Store,
        profiles: ProfileService,
        encoder: CachedEncoder,
        signer: Signer,
        clock: Clock,
    ) -> "PrivacyService":
        """Return the services over one store."""
        exports = ExportService(store, profiles, signer, clock, settings.base_url)
        erasures = ErasureService(store, encoder, clock)
        return cls(
            rules=Rules.parse(settings.default_region, settings.personalization_opt_in),
            exports=exports,
            erasures=erasures,
            opendsr=OpenDsrService(store, profiles, exports, erasures, clock, settings.base_url),
            retention=RetentionService(store, clock, settings.behaviour_days),
            forgetting=ForgettingService(store, profiles, clock),
        )
