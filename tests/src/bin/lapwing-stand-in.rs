//! A stand-in for a sensor or uplink process that somebody has taken over: it gives up its rights by the same code, and then
//! tries everything that must not be possible, and what must be. One line each: `may` or `may not`, and what.
//!
//! `lapwing-stand-in sensor|uplink STATE-FOLDER`
#![forbid(unsafe_code)]

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::thread;

use anyhow::{Context as _, Result, bail};
use lapwing_sensor::sandbox::{Files, confine_sensor, confine_uplink};
use rustix::fd::AsFd as _;
use rustix::net::{AddressFamily, SocketType, socket};
use rustix::process::{Pid, Signal, chroot, getppid, kill_process};
use rustix::thread::{
    CapabilitySet, CapabilitySets, LinkNameSpaceType, move_into_link_name_space, set_capabilities,
};

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, process, state] = arguments.as_slice() else {
        bail!("usage: lapwing-stand-in sensor|uplink STATE-FOLDER");
    };
    let files = Files {
        written: vec![state.into()],
        read: Vec::new(),
    };
    // Opened before, as a way out of the folder.
    let root = File::open("/").context("cannot open the root folder")?;
    let confinement = match process.as_str() {
        "sensor" => confine_sensor(&files)?,
        "uplink" => confine_uplink(&files)?,
        other => bail!("there is no {other} process"),
    };
    tell(&format!("confined: {}", confinement.text()));
    // Also in a thread that is started later.
    thread::spawn({
        let state = state.clone();
        move || try_everything(Path::new(&state), &root)
    })
    .join()
    .map_err(|_| anyhow::anyhow!("the stand-in panicked"))?;
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "its only output")]
fn tell(line: &str) {
    println!("{line}");
}

fn note<T, E>(what: &str, result: Result<T, E>) {
    let verdict = if result.is_ok() { "may" } else { "may not" };
    tell(&format!("{verdict}: {what}"));
}

fn try_everything(state: &Path, root: &File) {
    sockets();
    files(state, root);
    note("start a program", Command::new("/bin/true").status());
    if let Some(parent) = getppid() {
        note(
            "send a signal to another process",
            kill_process(parent, Signal::CONT),
        );
        let memory = format!("/proc/{}/mem", parent.as_raw_pid());
        note("read the memory of another process", File::open(memory));
    }
    note(
        "send a signal to the first process",
        kill_process(Pid::INIT, Signal::CONT),
    );
    note("change its root folder", chroot("/"));
    let everything = CapabilitySets {
        effective: CapabilitySet::SYS_ADMIN,
        permitted: CapabilitySet::SYS_ADMIN,
        inheritable: CapabilitySet::empty(),
    };
    note("take a right back", set_capabilities(None, everything));
    let entered = File::open("/proc/self/ns/net").and_then(|name_space| {
        let kind = Some(LinkNameSpaceType::Network);
        Ok(move_into_link_name_space(name_space.as_fd(), kind)?)
    });
    note("enter a name space", entered);
}

fn sockets() {
    for (what, family, kind) in [
        ("open a TCP socket", AddressFamily::INET, SocketType::STREAM),
        (
            "open a TCP socket over IPv6",
            AddressFamily::INET6,
            SocketType::STREAM,
        ),
        ("open a UDP socket", AddressFamily::INET, SocketType::DGRAM),
        ("open a raw IP socket", AddressFamily::INET, SocketType::RAW),
        (
            "open a packet socket",
            AddressFamily::PACKET,
            SocketType::RAW,
        ),
        (
            "open a local socket",
            AddressFamily::UNIX,
            SocketType::STREAM,
        ),
        (
            "open a Bluetooth socket",
            AddressFamily::BLUETOOTH,
            SocketType::RAW,
        ),
        ("open a VM socket", AddressFamily::VSOCK, SocketType::STREAM),
    ] {
        note(what, socket(family, kind, None));
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0");
    note("listen", listener);
}

fn files(state: &Path, root: &File) {
    note("write its state", fs::write(state.join("new"), b"new"));
    note(
        "rename within its state",
        fs::rename(state.join("new"), state.join("newer")),
    );
    note("read its state", fs::read(state.join("newer")));
    note("read the password file", fs::read("/etc/shadow"));
    note("read another file", fs::read("/etc/passwd"));
    note(
        "list another folder",
        fs::read_dir("/etc").and_then(|mut entries| {
            entries
                .next()
                .unwrap_or_else(|| Err(io::Error::other("empty")))
        }),
    );
    let around = rustix::fs::openat(
        root.as_fd(),
        "etc/passwd",
        rustix::fs::OFlags::RDONLY,
        rustix::fs::Mode::empty(),
    );
    note("read another file through an open folder", around);
    let outside = state.with_extension("outside");
    note("write beside its state", fs::write(&outside, b"out"));
    note(
        "move its state out",
        fs::rename(state.join("newer"), &outside),
    );
    let link = state.join("link");
    note(
        "read another file through a link",
        std::os::unix::fs::symlink("/etc/passwd", &link).and_then(|()| fs::read(&link)),
    );
    note(
        "change a kernel setting",
        fs::write("/proc/sys/kernel/core_pattern", b"|/bin/true"),
    );
    note(
        "write to a disk",
        File::options().write(true).open("/dev/sda"),
    );
}
