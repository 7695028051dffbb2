//! The client is asynchronous, the store is not. Sockets are served by one thread of their own; whoever asks sleeps
//! until its answer is there. So the store may be called from any thread, as it may with a file.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::{Builder, Handle, Runtime};

/// The thread that serves the sockets, started when it is first needed.
pub(super) fn sockets() -> std::io::Result<Handle> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime.handle().clone());
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("postgresql")
        .enable_all()
        .build()?;
    // Where two threads came here at once the other's is used; this one's ends, and it has served nothing.
    if let Err(superfluous) = RUNTIME.set(runtime) {
        superfluous.shutdown_background();
    }
    RUNTIME
        .get()
        .map(|runtime| runtime.handle().clone())
        .ok_or_else(|| std::io::Error::other("the thread for sockets is not there"))
}

struct Sleeper(Thread);

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Sleeps until an answer is there.
pub(super) fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Sleeper(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            // Waking before sleeping is kept: then this returns at once.
            Poll::Pending => thread::park(),
        }
    }
}
