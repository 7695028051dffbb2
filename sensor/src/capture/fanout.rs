//! Several sockets of one interface as a group of which each frame reaches exactly one (`PACKET_FANOUT` of packet(7)).
//!
//! A program of ours chooses the member, by the order in which sockets joined. These are the socket options that no crate
//! offers, and the only `unsafe` of capture.
#![allow(unsafe_code)]

use std::{
    ffi::{c_int, c_void},
    io,
    os::fd::{AsRawFd, RawFd},
};

use super::packet_filter::Instruction;

/// Number of a group, given by the kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct FanoutGroup {
    id: u16,
}

impl FanoutGroup {
    /// Makes a group of which `socket` is the first member, with the program that chooses members.
    pub(super) fn begin(socket: &impl AsRawFd, program: &[Instruction]) -> io::Result<Self> {
        let socket = socket.as_raw_fd();
        let kind = libc::PACKET_FANOUT_CBPF | libc::PACKET_FANOUT_FLAG_UNIQUEID;
        set(socket, libc::PACKET_FANOUT, &(kind << 16))?;
        let id = id_of(socket)?;
        let mut filter: Vec<libc::sock_filter> = program
            .iter()
            .map(|instruction| libc::sock_filter {
                code: instruction.code,
                jt: instruction.jump_true,
                jf: instruction.jump_false,
                k: instruction.operand,
            })
            .collect();
        let length = u16::try_from(filter.len()).map_err(io::Error::other)?;
        let program = libc::sock_fprog {
            len: length,
            filter: filter.as_mut_ptr(),
        };
        // The kernel copies the program that `filter` points to before this returns.
        set(socket, libc::PACKET_FANOUT_DATA, &program)?;
        Ok(Self { id })
    }

    /// Makes `socket` the next member.
    pub(super) fn join(self, socket: &impl AsRawFd) -> io::Result<()> {
        let group = libc::PACKET_FANOUT_CBPF << 16 | u32::from(self.id);
        set(socket.as_raw_fd(), libc::PACKET_FANOUT, &group)
    }
}

/// Sets an option of a packet socket; `T` is what the kernel documents for it.
fn set<T>(socket: RawFd, option: c_int, value: &T) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<T>()).map_err(io::Error::other)?;
    // SAFETY: `value` is borrowed for the whole call and `length` is its size; the kernel only reads it.
    let result = unsafe {
        libc::setsockopt(
            socket,
            libc::SOL_PACKET,
            option,
            std::ptr::from_ref(value).cast::<c_void>(),
            length,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The number of a socket's group: the lower half of what the kernel tells.
fn id_of(socket: RawFd) -> io::Result<u16> {
    let mut told: u32 = 0;
    let mut length = libc::socklen_t::try_from(size_of::<u32>()).map_err(io::Error::other)?;
    // SAFETY: `told` and `length` are borrowed for the whole call, and `length` says how much may be written.
    let result = unsafe {
        libc::getsockopt(
            socket,
            libc::SOL_PACKET,
            libc::PACKET_FANOUT,
            std::ptr::from_mut(&mut told).cast::<c_void>(),
            &raw mut length,
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    u16::try_from(told & 0xffff).map_err(io::Error::other)
}
