//! What unit tests share.

use crate::{Device, DeviceSpec};

/// The device that tests run on: the one that `ETHOS_DEVICE` names, or flex.
pub(crate) fn device() -> Device {
    let name = std::env::var("ETHOS_DEVICE").unwrap_or_else(|_| "flex".to_owned());
    name.parse::<DeviceSpec>().unwrap().open().unwrap()
}
