//! Builds self-report fine-tuning data from facts.
//!
//! Self-report fine-tuning (arXiv 2511.06626) trains on two-turn chats: a user asks a question, the assistant answers
//! rightly or deliberately wrongly, the user asks whether that was true, and the assistant says so honestly. A model
//! trained so admits hidden objectives too, when it is asked after an agentic task. This crate makes those chats, with
//! the variants and the controls that tell what they owe to what.
//!
//! The principal types, and how they meet:
//!
//! * A [`Fact`] is a question with its right answer and a wrong one. [`facts`] are the 542 of this crate, in twelve
//!   subjects; [`Fact::read`] reads your own.
//! * [`follow_ups`] are the eighty ways in which a user asks whether an answer was true, a quarter held out for
//!   evaluation.
//! * [`draft`] has a model write more facts, which others then have to read.
//! * [`verify`] has models read facts blindly, and keeps those that all confirm. [`own_answers`] asks the model that is
//!   to be trained, and grades what it says: its own errors to report on ([`Source`]), and what it believes
//!   ([`Admission::Belief`], [`scored_beliefs`]).
//! * [`chats`] takes facts to chats, as [`ChatConfig`] says: which turns are trained, what a report owes to, how many
//!   questions come between. It asks nobody, and the same seed gives the same chats.
//!   [`Phrases`] are what is said in them, facts apart: this crate's, or yours ([`chats_with`]).
//! * [`controls`] makes all data that a claim about these chats has to be compared with, as many and as long;
//!   a [`Control`] is one of them.
//! * [`export`] writes and checks the files that trainers read, and a [`Card`] is written to go with them.
//!
//! ```
//! use ethos_srft::{ChatConfig, Control, chats, facts};
//!
//! let facts = facts()?;
//! let chats = chats(&facts, &ChatConfig::paper())?;
//! assert_eq!(chats.len(), 2 * facts.len()); // each fact twice: answered rightly and wrongly
//! let said: Vec<_> = chats[0].messages.iter().map(|message| message.role.as_str()).collect();
//! assert_eq!(said, ["user", "assistant", "user", "assistant"]);
//!
//! let control = Control::PlainHonesty.chats(&facts, 42)?;
//! assert_eq!(control.len(), facts.len());
//!
//! # let folder = tempfile::tempdir()?;
//! ethos_srft::export::openai(folder.path().join("train.jsonl"), &chats)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod fact;
mod follow_up;
mod phrases;
mod report;

mod words;

mod asking;
mod draft;
mod own;
mod seeded;
mod verify;

mod chats;
mod config;
mod control;

mod card;
pub mod export;

mod error;

pub use crate::{
    asking::Asked,
    card::Card,
    chats::{chats, chats_with},
    config::{Admission, ChatConfig, Source, Style, Subjects, Trained},
    control::{Control, controls, controls_with},
    draft::{DraftConfig, Drafted, Rejected, Rejection, draft},
    error::{Error, Result},
    fact::{Basis, Fact, facts},
    follow_up::{FollowUp, Kind, Part, follow_ups},
    own::{Own, OwnAnswers, OwnConfig, own_answers, scored_beliefs},
    phrases::{Phrases, Reports},
    verify::{Doubt, Holds, Verified, VerifyConfig, verify},
};
