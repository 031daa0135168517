//! The currency of an invoice. BOLT 11, "Human-Readable Part".

use std::fmt;

use serde::{Deserialize, Serialize};

/// The chain on which an invoice is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InvoiceNetwork {
    /// The main network, `bc`.
    Bitcoin,
    /// Testnet, `tb`.
    Testnet,
    /// Signet, `tbs`.
    Signet,
    /// Regtest, `bcrt`.
    Regtest,
}

impl InvoiceNetwork {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Bitcoin, Self::Testnet, Self::Signet, Self::Regtest];

    /// What an invoice of it begins with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Bitcoin => "lnbc",
            Self::Testnet => "lntb",
            Self::Signet => "lntbs",
            Self::Regtest => "lnbcrt",
        }
    }

    /// The network whose invoices begin with this, up to the amount.
    pub fn of_prefix(prefix: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|network| network.prefix() == prefix)
    }
}

impl From<InvoiceNetwork> for bitcoin::Network {
    fn from(network: InvoiceNetwork) -> Self {
        match network {
            InvoiceNetwork::Bitcoin => Self::Bitcoin,
            InvoiceNetwork::Testnet => Self::Testnet,
            InvoiceNetwork::Signet => Self::Signet,
            InvoiceNetwork::Regtest => Self::Regtest,
        }
    }
}

impl fmt::Display for InvoiceNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bitcoin => "mainnet",
            Self::Testnet => "testnet",
            Self::Signet => "signet",
            Self::Regtest => "regtest",
        })
    }
}
