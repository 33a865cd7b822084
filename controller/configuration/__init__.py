"""The controller's own configuration, the trust root: where plaintext may go, and how much may happen at once.

Never read from the source (DELIVERY section 1): whoever can write Git chooses among these stores only.
"""

from controller.configuration.directory import load
from controller.configuration.model import (
    BUILT_IN,
    V1,
    Configuration,
    Credentials,
    Limits,
    Mode,
    Retention,
    StoreConfig,
)

__all__ = ["BUILT_IN", "V1", "Configuration", "Credentials", "Limits", "Mode", "Retention", "StoreConfig", "load"]
