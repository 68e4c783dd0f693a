//! How many bits a number has.

use burn::tensor::DType;
use serde::{Deserialize, Serialize};

/// The precision of parameters and of what is computed with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits with the range of 32 (brain float). Norms, softmax and loss are computed in 32 bits
    /// nevertheless.
    Bf16,
}

impl Precision {
    /// Its name in `config.json`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Precision::F32 => "float32",
            Precision::Bf16 => "bfloat16",
        }
    }

    pub(crate) fn dtype(self) -> DType {
        match self {
            Precision::F32 => DType::F32,
            Precision::Bf16 => DType::BF16,
        }
    }
}
