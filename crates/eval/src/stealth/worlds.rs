//! The environments of this crate.
//!
//! All are fiction, and small: a real agent needs some 20 to 70 answers. Every world has names and numbers of its own.

mod airline_desk;
mod day_trip;
mod mail_assistant;
mod reading_room;
mod repository;
mod support_desk;

pub use self::{
    airline_desk::AirlineDesk, day_trip::DayTrip, mail_assistant::MailAssistant,
    reading_room::ReadingRoom, repository::Repository, support_desk::SupportDesk,
};
