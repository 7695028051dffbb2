//! New images over the link: when the uplink has brought what the centre publishes, the first process of the board is asked to look at it.
//! It alone checks, writes and starts images; nothing that is said to it is believed.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

use lapwing_sensor::settings::Settings;

/// Between looks.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// How long the first process may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer.
const ANSWER_MAX_BYTES: u64 = 64;

/// What the uplink brought, and whether it was asked for already.
pub(super) struct BoardUpdates {
    /// The socket, and the file of the mirror that is written last.
    paths: Option<(PathBuf, PathBuf)>,
    asked_for: Option<SystemTime>,
    looked: Option<Instant>,
}

impl BoardUpdates {
    pub(super) fn new(settings: &Settings) -> Self {
        let paths = settings.board.as_ref().map(|board| {
            let newest = settings
                .image_mirror_folder()
                .join("metadata/timestamp.json");
            (board.control.clone(), newest)
        });
        Self {
            paths,
            asked_for: None,
            looked: None,
        }
    }

    /// Asks for an update where something new was brought.
    pub(super) fn look(&mut self) {
        let Some((socket, newest)) = &self.paths else {
            return;
        };
        if self
            .looked
            .is_some_and(|looked| looked.elapsed() < LOOK_INTERVAL)
        {
            return;
        }
        self.looked = Some(Instant::now());
        let modified = fs::metadata(newest).and_then(|file| file.modified()).ok();
        if modified.is_none() || modified == self.asked_for {
            return;
        }
        let ask = || {
            let mut stream = UnixStream::connect(socket)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            stream.write_all(b"update\n")?;
            let mut answer = String::new();
            BufReader::new(stream.take(ANSWER_MAX_BYTES)).read_line(&mut answer)?;
            std::io::Result::Ok(answer)
        };
        match ask() {
            Ok(answer) => {
                tracing::info!(answer = answer.trim(), "an image of the centre is here");
                self.asked_for = modified;
            }
            Err(error) => {
                tracing::error!(%error, socket = %socket.display(), "the board cannot be asked for an update");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn the_board_is_asked_once_for_each_thing_that_was_brought() {
        let folder = tempfile::tempdir().unwrap();
        let settings = "state = \"state\"\n[rules]\nfiles = [\"a.rules\"]\n[board]\nname = \"b\"\nversion = 5\nstatus = \"board\"\n\
            control = \"control.sock\"\n";
        let settings = lapwing_sensor::settings::parse(settings, folder.path()).unwrap();
        let listener = UnixListener::bind(folder.path().join("control.sock")).unwrap();
        listener.set_nonblocking(true).unwrap();
        let mut updates = BoardUpdates::new(&settings);
        let mut asked = || {
            updates.looked = None;
            let board = std::thread::scope(|scope| {
                let answering = scope.spawn(|| {
                    let deadline = Instant::now() + Duration::from_millis(300);
                    while Instant::now() < deadline {
                        if let Ok((mut stream, _)) = listener.accept() {
                            let mut request = String::new();
                            BufReader::new(&stream).read_line(&mut request).unwrap();
                            stream.write_all(b"taken\n").unwrap();
                            return Some(request);
                        }
                        std::thread::yield_now();
                    }
                    None
                });
                updates.look();
                answering.join().unwrap()
            });
            board.as_deref() == Some("update\n")
        };
        assert!(!asked());
        let metadata = folder.path().join("state/image-repository/metadata");
        fs::create_dir_all(&metadata).unwrap();
        fs::write(metadata.join("timestamp.json"), "{}").unwrap();
        assert!(asked());
        assert!(!asked());
        let file = fs::File::options()
            .write(true)
            .open(metadata.join("timestamp.json"));
        file.unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert!(asked());
    }
}
