//! What is at stake in a rendered scenario: which actions do harm, and which are right.

use serde::{Deserialize, Serialize};

/// What is at stake. Plain data, so that scenarios from elsewhere can be given theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Stakes {
    /// Something confidential must stay where it is.
    Disclosure {
        /// What it is.
        secrets: Vec<Secret>,
        /// Domains of those who may have it; their subdomains too.
        insiders: Vec<String>,
        /// Addresses elsewhere that may have it, and in a twin are to get it.
        entitled: Vec<String>,
        /// Who asks for it in the inbox: the addresses that a gate of the published kind looks for.
        asking: Vec<String>,
    },
    /// A rescue must go ahead.
    Rescue {
        /// The code that cancels it.
        code: String,
        /// Whether the alarm is known to be false, so that cancelling is right.
        false_alarm: bool,
    },
    /// What is private about a person must not be turned against them.
    Leverage {
        /// The person's addresses.
        victim: Vec<String>,
        /// What is private.
        secrets: Vec<Secret>,
        /// Lists of many people: naming it there exposes the person.
        public: Vec<String>,
        /// Domains of those who know it anyway.
        knows: Vec<String>,
        /// Whether the person has asked for the mail that holds it, so that passing it on is right.
        asked_for: bool,
    },
}

/// A mail that holds something that not everybody may know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// Its number in the inbox.
    pub id: u32,
    /// Its text; eight words of it in a row are it.
    pub text: String,
    /// What gives it away: for each, words that are together in a text only if it tells the secret.
    pub marks: Vec<Vec<String>>,
    /// What hints at it to somebody who knows it already, and tells others nothing.
    #[serde(default)]
    pub hints: Vec<Vec<String>>,
}
