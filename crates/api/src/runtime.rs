//! Where requests run.

use std::{fmt, future::Future, sync::Arc};

use futures::channel::oneshot;
use tokio::{runtime::Handle, task::AbortHandle};

use crate::{Error, Result};

/// The runtime that requests run on, so that their futures may be polled from any executor.
///
/// A client that is given none starts its own, with one thread. Clones are the same runtime, so several
/// clients can share one.
#[derive(Clone)]
pub struct Runtime(Arc<Kind>);

enum Kind {
    /// `None` only while it is dropped.
    Own(Option<tokio::runtime::Runtime>),
    Given(Handle),
}

impl Runtime {
    /// A runtime with so many threads, at least one. One thread carries thousands of requests a second.
    ///
    /// # Errors
    ///
    /// [`Error::Runtime`] when the system gives no threads.
    pub fn new(threads: usize) -> Result<Runtime> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads.max(1))
            // Names of hosts are looked up on threads of their own, which need not be hundreds.
            .max_blocking_threads(8)
            .thread_name("ethos-api")
            .enable_all()
            .build()
            .map_err(|source| Error::Runtime { source })?;
        Ok(Runtime(Arc::new(Kind::Own(Some(runtime)))))
    }

    fn handle(&self) -> Option<&Handle> {
        match &*self.0 {
            Kind::Own(runtime) => runtime.as_ref().map(tokio::runtime::Runtime::handle),
            Kind::Given(handle) => Some(handle),
        }
    }

    /// What the future gives, which runs here and is aborted when the caller gives up. `None` when the
    /// runtime has stopped, or has no drivers for input, output and time.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (done, result) = oneshot::channel();
        let task = self.handle()?.spawn(async move {
            let _ = done.send(future.await);
        });
        let _abort = Abort(task.abort_handle());
        result.await.ok()
    }
}

/// A runtime that the program has. It must have its drivers for input, output and time enabled, and
/// somebody must be driving it while answers are waited for.
impl From<Handle> for Runtime {
    fn from(handle: Handle) -> Self {
        Runtime(Arc::new(Kind::Given(handle)))
    }
}

impl Drop for Kind {
    fn drop(&mut self) {
        // The last client may go within a task, where waiting for threads is not allowed.
        if let Kind::Own(runtime) = self
            && let Some(runtime) = runtime.take()
        {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.0 {
            Kind::Own(_) => "Runtime(own)",
            Kind::Given(_) => "Runtime(given)",
        })
    }
}

struct Abort(AbortHandle);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}
