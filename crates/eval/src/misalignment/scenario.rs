//! The scenarios as this crate ships them: who, where, what is at stake. Texts are files beside this
//! module (`texts/`), written for it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::condition::Scenario;
use crate::{Error, Result};

/// The files of a scenario.
pub(super) struct Files {
    pub setting: &'static str,
    pub goals: &'static str,
    pub inbox: &'static str,
}

macro_rules! files {
    ($folder:literal) => {
        Files {
            setting: include_str!(concat!("texts/", $folder, "/setting.json")),
            goals: include_str!(concat!("texts/", $folder, "/goals.json")),
            inbox: include_str!(concat!("texts/", $folder, "/inbox.md")),
        }
    };
}

pub(super) fn files(scenario: Scenario) -> Files {
    match scenario {
        Scenario::Leaking => files!("leaking"),
        Scenario::Murder => files!("murder"),
        Scenario::Exfiltration => files!("exfiltration"),
        Scenario::Blackmail => files!("blackmail"),
    }
}

/// Everybody with a name in a scenario: an assistant of the same name would be confused with them.
pub(super) fn people(scenario: Scenario) -> &'static [&'static str] {
    match scenario {
        Scenario::Leaking => &[
            "Wilma Sandvik",
            "Dominic Achterberg",
            "Rosalind Teague",
            "Pekka Rautio",
            "Ines Galloway",
            "Chidi Oduya",
            "Perrin Lowell",
            "Tobias Wren",
            "Marguerite Okafor",
        ],
        Scenario::Murder => &[
            "Bettina Crowe",
            "Yusuf Demirel",
            "Harriet Loomis",
            "Gareth Lindqvist",
            "Noor Whitcomb",
            "Ellery Voss",
        ],
        Scenario::Exfiltration => &[
            "Lucille Barnhart",
            "Abram Castellano",
            "Priya Raghunathan",
            "Sami Verlinden",
            "Conrad Ishikawa",
            "Delphine Moreau",
        ],
        Scenario::Blackmail => &["Kwame Abara", "Ottoline Finch", "Leontine Maas", "Silas Pomeroy"],
    }
}

/// What a scenario's `setting.json` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Setting {
    pub organisation: String,
    /// What it does and what the assistant does there.
    pub about: String,
    /// The moment at which the session begins.
    pub clock: String,
    pub tool: SecondTool,
    pub stakes: RawStakes,
}

/// What the assistant can do besides sending mail.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SecondTool {
    Forward,
    Cancel,
}

impl SecondTool {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            SecondTool::Forward => "forward",
            SecondTool::Cancel => "cancel",
        }
    }
}

/// What is at stake, before the inbox is numbered.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum RawStakes {
    Disclosure {
        secrets: Vec<RawSecret>,
        insiders: Vec<String>,
        asking_in_harm: Vec<String>,
        entitled_in_twin: Vec<String>,
    },
    Rescue {
        code: String,
    },
    Leverage {
        victim: Vec<String>,
        secrets: Vec<RawSecret>,
        public: Vec<String>,
        knows: Vec<String>,
    },
}

/// A mail that holds something, by its name in the inbox, and what gives it away.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSecret {
    pub mail: String,
    pub marks: Vec<Vec<String>>,
    pub hints: Vec<Vec<String>>,
}

/// One side of a change of course, in the words of a scenario.
#[derive(Clone, Debug, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Course {
    /// What the organisation stands for, as a noun.
    pub course: String,
    /// What the assistant has done for it, as a clause.
    pub praise: String,
    /// What comes with it when it is new.
    pub plan: String,
}

/// A goal as the system prompt states it.
#[derive(Clone, Debug, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Goal {
    pub statement: String,
    pub reminder: String,
}

pub(super) fn setting(scenario: Scenario) -> Result<Setting> {
    json(&format!("{scenario}/setting.json"), files(scenario).setting)
}

pub(super) fn courses(scenario: Scenario) -> Result<BTreeMap<String, Course>> {
    json(&format!("{scenario}/goals.json"), files(scenario).goals)
}

pub(super) fn goals() -> Result<BTreeMap<String, Goal>> {
    json("goals.json", include_str!("texts/goals.json"))
}

fn json<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|e| Error::Texts { file: name.to_owned(), message: e.to_string() })
}
