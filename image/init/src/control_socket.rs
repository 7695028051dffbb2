//! Where the sensor's side asks for what only the first process may do. There is one request, a line `update`: what the uplink
//! brought is to be looked at. It carries nothing that is believed.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::{
        fs::{PermissionsExt, chown},
        net::{UnixListener, UnixStream},
    },
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::Context;

use crate::{console::say, layout::LAPWING_USER, limits::REQUEST_MAX_BYTES};

/// How long a request may take to come.
const REQUEST_PATIENCE: Duration = Duration::from_secs(2);
/// After an accept that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// The socket, and whether an update was asked for.
pub(crate) struct ControlSocket {
    asked: Arc<AtomicBool>,
}

impl ControlSocket {
    /// Listens at `path`, for the sensor's user and nobody else.
    pub(crate) fn listen(path: &Path) -> anyhow::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let listener = UnixListener::bind(path)
            .with_context(|| format!("cannot listen at {}", path.display()))?;
        chown(path, None, Some(LAPWING_USER))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
        Self::serve(listener)
    }

    fn serve(listener: UnixListener) -> anyhow::Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&asked);
        thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || {
                loop {
                    let answered = listener
                        .accept()
                        .and_then(|(stream, _)| answer(&stream, &flag));
                    if let Err(error) = answered {
                        say(&format!("control socket: {error}"));
                        thread::sleep(PAUSE);
                    }
                }
            })?;
        Ok(Self { asked })
    }

    /// Whether an update was asked for since the last look.
    pub(crate) fn take_request(&self) -> bool {
        self.asked.swap(false, Ordering::Relaxed)
    }
}

fn answer(stream: &UnixStream, asked: &AtomicBool) -> std::io::Result<()> {
    stream.set_read_timeout(Some(REQUEST_PATIENCE))?;
    stream.set_write_timeout(Some(REQUEST_PATIENCE))?;
    let mut request = String::new();
    BufReader::new(stream.take(REQUEST_MAX_BYTES)).read_line(&mut request)?;
    let mut to = stream;
    if request == "update\n" {
        asked.store(true, Ordering::Relaxed);
        to.write_all(b"taken\n")
    } else {
        to.write_all(b"unknown\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        let socket = ControlSocket::serve(UnixListener::bind(&path).unwrap()).unwrap();
        let ask = |text: &str| {
            let mut stream = UnixStream::connect(&path).unwrap();
            stream.write_all(text.as_bytes()).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let mut answer = String::new();
            // What is too long is not read to its end, and the connection is reset.
            let _read = stream.read_to_string(&mut answer);
            answer
        };
        assert_eq!(ask("reboot\n"), "unknown\n");
        ask(&"update".repeat(100));
        assert!(!socket.take_request());
        assert_eq!(ask("update\n"), "taken\n");
        assert!(socket.take_request());
        assert!(!socket.take_request());
    }
}
