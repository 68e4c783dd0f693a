//! The environments of this crate.

mod airline_desk;

pub use self::airline_desk::AirlineDesk;
