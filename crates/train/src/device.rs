//! Devices by name. The only place with backend `cfg`s.

use std::{fmt, str::FromStr};

use burn::tensor::Device;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The name of a device: `flex`, `cuda:0`, `libtorch`, `libtorch-cuda:0`.
///
/// Every name can be written down whatever the build has; [`open`](DeviceSpec::open) says what is
/// missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum DeviceSpec {
    /// The pure Rust CPU backend.
    Flex,
    /// An NVIDIA GPU, by its index.
    Cuda(usize),
    /// LibTorch on the CPU.
    LibTorch,
    /// LibTorch on an NVIDIA GPU, by its index.
    LibTorchCuda(usize),
}

impl DeviceSpec {
    /// The device.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] when the backend's feature is off, [`Error::Unavailable`] when the machine
    /// lacks what it needs (driver, NVRTC, libtorch's CUDA part).
    pub fn open(self) -> Result<Device> {
        match self {
            #[cfg(feature = "flex")]
            DeviceSpec::Flex => Ok(Device::flex()),
            #[cfg(feature = "cuda")]
            DeviceSpec::Cuda(index) => probe(self, move || Device::cuda(index)),
            #[cfg(feature = "libtorch")]
            DeviceSpec::LibTorch | DeviceSpec::LibTorchCuda(_) => {
                probe(self, move || libtorch(self))
            }
            #[allow(unreachable_patterns)] // with every feature on
            missing => {
                let feature = match missing {
                    DeviceSpec::Flex => "flex",
                    DeviceSpec::Cuda(_) => "cuda",
                    DeviceSpec::LibTorch | DeviceSpec::LibTorchCuda(_) => "libtorch",
                };
                Err(Error::NotBuilt { device: missing.to_string(), feature })
            }
        }
    }
}

/// Whether a device has the [fused operations](crate::fused).
pub(crate) fn fuses(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    if *device == Device::flex() {
        return true;
    }
    #[cfg(feature = "libtorch")]
    if *device == libtorch(DeviceSpec::LibTorch) {
        return true;
    }
    let _ = device;
    false
}

/// Whether its attention never looks at what it may not, not even to multiply it by 0.
pub(crate) fn skips_masked(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    if *device == Device::flex() {
        return true;
    }
    let _ = device;
    false
}

/// Whether a token's numbers are the same to the last digit whatever other tokens are computed with it. The products of a
/// library sum in an order that depends on how many there are: MKL's do on processors with AVX-512.
pub(crate) fn rows_are_alike(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    if *device == Device::flex() {
        return true;
    }
    let _ = device;
    false
}

/// Tokens of a long prompt that are kept together, and read in a pass of their own unless [rows are
/// alike](rows_are_alike). On a CPU short passes cost nothing; a GPU takes nearly as long for few tokens as for some
/// hundreds.
pub(crate) fn chunk(device: &Device) -> usize {
    if fuses(device) { 32 } else { 256 }
}

/// Does something where a device does its work. `flex` divides each operation among the threads of a pool; whoever asks
/// from outside is put to sleep and woken for every one.
pub(crate) fn at_home<T: Send>(device: &Device, work: impl FnOnce() -> T + Send) -> T {
    #[cfg(feature = "flex")]
    if *device == Device::flex() {
        return rayon::scope(|_| work());
    }
    let _ = device;
    work()
}

/// How many parts a batch is trained in at once on a CPU, at most. Small models leave most of a processor idle, since
/// one operation follows the other.
const PARTS: usize = 4;

/// How many parts a batch is trained in at once. On `flex` the number is the same on every machine, or sums would be
/// rounded differently; a single processor loses little by it. LibTorch rounds as the machine has it anyway, and
/// every part has gradients that are added up.
pub(crate) fn parts(device: &Device) -> usize {
    #[cfg(feature = "libtorch")]
    if *device == libtorch(DeviceSpec::LibTorch) {
        return libtorch_pool().map_or(1, rayon::ThreadPool::current_num_threads);
    }
    if fuses(device) { PARTS } else { 1 }
}

/// Does the same with every part of a batch, as many at once as there are processors; what comes of it, in order.
pub(crate) fn side_by_side<P: Sync, T: Send>(
    device: &Device,
    parts: &[P],
    work: impl Fn(usize, &P) -> T + Sync,
) -> Vec<T> {
    let all = || {
        parts.par_iter().enumerate().map(|(number, part)| work(number, part)).collect::<Vec<T>>()
    };
    #[cfg(feature = "libtorch")]
    if *device == libtorch(DeviceSpec::LibTorch)
        && parts.len() > 1
        && let Some(pool) = libtorch_pool()
    {
        return pool.install(all);
    }
    let _ = device;
    all()
}

/// How many sets of answers decode beside each other. On `flex` a step has some forty small operations, and threads that
/// meet after every one of them wait for each other a third of the time. More than `few::FEW` rows of a pass are
/// rounded otherwise, so that last digits may depend on it.
pub(crate) fn lanes(device: &Device) -> usize {
    #[cfg(feature = "flex")]
    if *device == Device::flex() {
        return rayon::current_num_threads().min(PARTS);
    }
    let _ = device;
    1
}

/// Threads that a lane has to itself while all are at work.
#[cfg(feature = "flex")]
pub(crate) fn threads_of_a_lane() -> usize {
    rayon::current_num_threads().div_ceil(PARTS)
}

/// Does the same with each of some things, as many at once as there are processors; with a single one here.
pub(crate) fn each_beside<T: Send>(things: &mut [T], work: impl Fn(&mut T) + Send + Sync) {
    match things {
        [one] => work(one),
        many => many.par_iter_mut().for_each(work),
    }
}

/// Threads for parts of a batch on LibTorch, each of which has its share of the processors for its operations. Left to
/// itself, LibTorch divides every operation among all, and what is between two of them is done by one. `None` where the
/// system has no more threads.
#[cfg(feature = "libtorch")]
fn libtorch_pool() -> Option<&'static rayon::ThreadPool> {
    use std::sync::OnceLock;
    static POOL: OnceLock<Option<rayon::ThreadPool>> = OnceLock::new();
    let make = || {
        let processors = tch::get_num_threads().max(1);
        let threads = processors.min(PARTS as i32);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads as usize)
            .thread_name(|number| format!("ethos-part-{number}"))
            .start_handler(move |_| {
                // The number is a thread's own, but for the first use of LibTorch on it, which takes what was set last
                // on any.
                tch::get_num_threads();
                tch::set_num_threads(processors / threads);
            })
            .build()
            .ok()?;
        pool.broadcast(|_| ());
        tch::set_num_threads(processors);
        Some(pool)
    };
    POOL.get_or_init(make).as_ref()
}

/// Bytes in use on a device, where it says, or else by this process, where the system says.
pub(crate) fn memory(device: &Device) -> Option<u64> {
    if let Some(pool) = device.memory_pool_usage() {
        return Some(pool.bytes_reserved);
    }
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// Deprecated in burn 0.22 and gone in 0.23, which is why burn is pinned (docs/architecture.md).
#[cfg(feature = "libtorch")]
#[allow(deprecated)]
fn libtorch(spec: DeviceSpec) -> Device {
    match spec {
        DeviceSpec::LibTorchCuda(index) => Device::libtorch_cuda(index),
        _ => Device::libtorch(),
    }
}

/// Runs a tiny operation: these backends open lazily, and panic at the first use where a driver is
/// missing.
#[cfg(any(feature = "cuda", feature = "libtorch"))]
fn probe(
    spec: DeviceSpec,
    open: impl FnOnce() -> Device + std::panic::UnwindSafe,
) -> Result<Device> {
    use burn::tensor::Tensor;
    let tried = std::panic::catch_unwind(|| {
        let device = open();
        let sum: f32 = Tensor::<1>::ones([2], &device).sum().into_scalar();
        (device, sum)
    });
    match tried {
        Ok((device, 2.0)) => Ok(device),
        Ok(_) => Err(unavailable(spec, "it computes 1 + 1 wrongly")),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(unavailable(spec, said.unwrap_or("it panicked without a word")))
        }
    }
}

#[cfg(any(feature = "cuda", feature = "libtorch"))]
fn unavailable(spec: DeviceSpec, said: &str) -> Error {
    let advice = match spec {
        DeviceSpec::Cuda(_) => {
            "it takes an NVIDIA driver (does nvidia-smi answer?) and the CUDA toolkit with NVRTC and \
             its headers, in the folder that CUDA_PATH names"
        }
        DeviceSpec::LibTorchCuda(_) => {
            "it takes an NVIDIA driver and a LibTorch 2.9.0 built with CUDA, as PyTorch's default wheel is"
        }
        _ => "LD_LIBRARY_PATH has to name the folder of LibTorch 2.9.0's libraries",
    };
    Error::Unavailable { device: spec.to_string(), message: format!("{said}; {advice}") }
}

impl fmt::Display for DeviceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceSpec::Flex => f.write_str("flex"),
            DeviceSpec::Cuda(index) => write!(f, "cuda:{index}"),
            DeviceSpec::LibTorch => f.write_str("libtorch"),
            DeviceSpec::LibTorchCuda(index) => write!(f, "libtorch-cuda:{index}"),
        }
    }
}

impl FromStr for DeviceSpec {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let unknown = || Error::UnknownDevice(name.to_owned());
        let (backend, index) = match name.split_once(':') {
            Some((backend, index)) => (backend, Some(index.parse().map_err(|_| unknown())?)),
            None => (name, None),
        };
        match (backend, index) {
            ("flex", None) => Ok(DeviceSpec::Flex),
            ("cuda", index) => Ok(DeviceSpec::Cuda(index.unwrap_or(0))),
            ("libtorch", None) => Ok(DeviceSpec::LibTorch),
            ("libtorch-cuda", index) => Ok(DeviceSpec::LibTorchCuda(index.unwrap_or(0))),
            _ => Err(unknown()),
        }
    }
}

impl From<DeviceSpec> for String {
    fn from(spec: DeviceSpec) -> String {
        spec.to_string()
    }
}

impl TryFrom<String> for DeviceSpec {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for name in ["flex", "cuda:0", "cuda:7", "libtorch", "libtorch-cuda:1"] {
            assert_eq!(name.parse::<DeviceSpec>().unwrap().to_string(), name);
        }
        assert_eq!("cuda".parse::<DeviceSpec>().unwrap(), DeviceSpec::Cuda(0));
        for name in ["", "gpu", "flex:1", "cuda:x", "cuda:-1"] {
            let error = name.parse::<DeviceSpec>().unwrap_err().to_string();
            assert!(error.contains("flex, cuda:N"), "{error}");
        }
    }

    /// Where there is no such device it is an error with advice, and never a panic.
    #[cfg(any(feature = "cuda", feature = "libtorch"))]
    #[test]
    fn a_missing_driver_is_an_error() {
        #[cfg(feature = "cuda")]
        let spec = DeviceSpec::Cuda(0);
        #[cfg(not(feature = "cuda"))]
        let spec = DeviceSpec::LibTorchCuda(0);
        match spec.open() {
            Ok(device) => drop(device),
            Err(error) => assert!(error.to_string().contains("driver"), "{error}"),
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_backend_that_is_not_built_says_so() {
        let error = DeviceSpec::Cuda(0).open().unwrap_err().to_string();
        assert!(error.contains("feature `cuda`"), "{error}");
    }
}
