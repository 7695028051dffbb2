//! Two network name spaces and a cable between them: traffic that never leaves the machine. This needs the rights of root and
//! the program `ip`.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use anyhow::{Context as _, Result};
use pcap::Capture;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::processes::run;
use crate::programs::program;

/// Frames of any size of our generator fit.
const MTU: &str = "65535";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A generator's and a sensor's name space, each with one end of a cable. They go when this is dropped.
#[derive(Debug)]
pub struct NameSpaces {
    /// Where traffic is made; its end of the cable is [`GENERATOR_PORT`].
    pub generator: String,
    /// Where it is watched; its end of the cable is [`SENSOR_PORT`].
    pub sensor: String,
}

/// The end of the cable on the generator's side.
pub const GENERATOR_PORT: &str = "lwgen";
/// The end of the cable on the sensor's side.
pub const SENSOR_PORT: &str = "lwsen";

impl NameSpaces {
    /// Makes both, and the cable; its ends are down. `None`, with a message, where this machine does not let us.
    #[must_use]
    pub fn make() -> Option<Self> {
        match Self::try_make() {
            Ok(pair) => Some(pair),
            #[allow(clippy::print_stderr)]
            Err(error) => {
                eprintln!("SKIPPED, network name spaces cannot be made here: {error:#}");
                None
            }
        }
    }

    fn try_make() -> Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = |role| format!("lapwing-{role}-{}-{number}", std::process::id());
        let pair = Self {
            generator: name("g"),
            sensor: name("s"),
        };
        run(Command::new("ip").args(["netns", "add", &pair.generator]))?;
        run(Command::new("ip").args(["netns", "add", &pair.sensor]))?;
        pair.plug_in()?;
        Ok(pair)
    }

    /// Puts the cable in; both ends are new and down.
    ///
    /// # Errors
    /// When it is there already.
    pub fn plug_in(&self) -> Result<()> {
        self.plug_in_between(GENERATOR_PORT, SENSOR_PORT)
    }

    /// Puts a cable in between ports of these names.
    ///
    /// # Errors
    /// When they are there already.
    pub fn plug_in_between(&self, generator_port: &str, sensor_port: &str) -> Result<()> {
        let mut command = Command::new("ip");
        command.args(["-n", &self.generator, "link", "add", generator_port]);
        command.args(["mtu", MTU, "type", "veth", "peer", "name", sensor_port]);
        run(command.args(["mtu", MTU, "netns", &self.sensor]))?;
        Ok(())
    }

    /// Takes the cable away, and both interfaces with it.
    ///
    /// # Errors
    /// When it is not there.
    pub fn unplug(&self) -> Result<()> {
        run(Command::new("ip").args(["-n", &self.generator, "link", "del", GENERATOR_PORT]))?;
        Ok(())
    }

    /// A program in one of the name spaces, with a `/sys` of its own.
    #[must_use]
    pub fn command(name_space: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", name_space]).arg(program);
        command
    }

    /// Runs something in a thread of a name space, and waits for it.
    ///
    /// # Errors
    /// Its own, and those of entering.
    pub fn within<T: Send>(name_space: &str, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let path = format!("/run/netns/{name_space}");
                let file = File::open(&path).with_context(|| path)?;
                move_into_link_name_space(
                    std::os::fd::AsFd::as_fd(&file),
                    Some(LinkNameSpaceType::Network),
                )
                .context("cannot enter a name space")?;
                work()
            });
            thread
                .join()
                .map_err(|_| anyhow::anyhow!("it panicked in the name space"))?
        })
    }
}

impl Drop for NameSpaces {
    fn drop(&mut self) {
        for name in [&self.generator, &self.sensor] {
            // What was never made cannot be taken away, and there is nobody left to tell.
            drop(run(Command::new("ip").args(["netns", "del", name])));
        }
    }
}

/// The frames of a capture file.
///
/// # Errors
/// When it cannot be read.
pub fn frames_of(capture: &Path) -> Result<Vec<Vec<u8>>> {
    let mut capture = Capture::from_file(capture)?;
    let mut frames = Vec::new();
    while let Ok(packet) = capture.next_packet() {
        frames.push(packet.data.to_vec());
    }
    Ok(frames)
}

impl NameSpaces {
    /// Sends frames from the generator's end of the cable.
    ///
    /// # Errors
    /// When its end is down.
    pub fn send(&self, frames: &[Vec<u8>]) -> Result<()> {
        Self::within(&self.generator, || {
            let mut port = Capture::from_device(GENERATOR_PORT)?.open()?;
            for frame in frames {
                port.sendpacket(frame.as_slice())?;
            }
            Ok(())
        })
    }

    /// Makes an interface a capture port, and so one that is up and silent. What the program said.
    ///
    /// # Errors
    /// When the program refuses.
    pub fn prepare(name_space: &str, port: &str) -> Result<String> {
        let mut command = Self::command(name_space, program("lapwing"));
        run(command.args(["interfaces", "prepare", port]))
    }

    /// The same for both ends of the cable.
    ///
    /// # Errors
    /// When the program refuses.
    pub fn prepare_both(&self) -> Result<()> {
        Self::prepare(&self.generator, GENERATOR_PORT)?;
        Self::prepare(&self.sensor, SENSOR_PORT)?;
        Ok(())
    }
}
