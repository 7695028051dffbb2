//! The system calls a process keeps, by seccomp. What is not listed fails with "operation not permitted".
//!
//! The list is what the standard library, libpcap and tokio need to go on working: memory, threads, clocks, files within what
//! Landlock leaves, and sockets of the kinds named here. Starting programs, tracing, mounting, other name spaces, keys, kernel
//! programs and modules are not on it.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};

use super::SandboxError;

/// Whose calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Process {
    Sensor,
    Uplink,
}

impl Process {
    /// Families of sockets it may open.
    fn socket_families(self) -> &'static [libc::c_int] {
        match self {
            Self::Sensor => &[libc::AF_UNIX, libc::AF_PACKET],
            Self::Uplink => &[
                libc::AF_UNIX,
                libc::AF_INET,
                libc::AF_INET6,
                libc::AF_NETLINK,
            ],
        }
    }

    /// Calls beyond those of both.
    fn own_calls(self) -> &'static [libc::c_long] {
        match self {
            // It sends nothing: not one of the calls that send is here.
            Self::Sensor => &[],
            Self::Uplink => &[
                libc::SYS_connect,
                libc::SYS_getpeername,
                libc::SYS_recvmmsg,
                libc::SYS_sendmmsg,
                libc::SYS_sendmsg,
                libc::SYS_sendto,
                libc::SYS_shutdown,
                libc::SYS_socketpair,
            ],
        }
    }
}

/// What both need, on every architecture.
const COMMON: &[libc::c_long] = &[
    libc::SYS_bind,
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_close,
    libc::SYS_copy_file_range,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fadvise64,
    libc::SYS_fallocate,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fcntl,
    libc::SYS_fdatasync,
    libc::SYS_flock,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_futex,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_getuid,
    libc::SYS_ioctl,
    libc::SYS_linkat,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_mkdirat,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_msync,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
    libc::SYS_prctl,
    libc::SYS_pread64,
    libc::SYS_prlimit64,
    libc::SYS_pselect6,
    libc::SYS_pwrite64,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_setsockopt,
    libc::SYS_sigaltstack,
    libc::SYS_statfs,
    libc::SYS_statx,
    libc::SYS_sync_file_range,
    libc::SYS_sysinfo,
    libc::SYS_tgkill,
    libc::SYS_umask,
    libc::SYS_uname,
    libc::SYS_unlinkat,
    libc::SYS_write,
    libc::SYS_writev,
];

/// Older forms of calls above, where the architecture has them.
#[cfg(target_arch = "x86_64")]
const OLDER_FORMS: &[libc::c_long] = &[
    libc::SYS_access,
    libc::SYS_arch_prctl,
    libc::SYS_chmod,
    libc::SYS_dup2,
    libc::SYS_epoll_wait,
    libc::SYS_getdents,
    libc::SYS_link,
    libc::SYS_lstat,
    libc::SYS_mkdir,
    libc::SYS_open,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_readlink,
    libc::SYS_rename,
    libc::SYS_rmdir,
    libc::SYS_select,
    libc::SYS_stat,
    libc::SYS_time,
    libc::SYS_unlink,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER_FORMS: &[libc::c_long] = &[];

/// Keeps the calls of a process, for this thread and the threads it starts later.
pub(super) fn keep_only(process: Process) -> Result<(), SandboxError> {
    let program = program(process).map_err(|error| SandboxError::SystemCalls(error.to_string()))?;
    apply_filter(&program).map_err(|error| SandboxError::SystemCalls(error.to_string()))
}

fn program(process: Process) -> Result<BpfProgram, seccompiler::BackendError> {
    let not_permitted = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    SeccompFilter::new(
        rules(process)?,
        not_permitted,
        SeccompAction::Allow,
        std::env::consts::ARCH.try_into()?,
    )?
    .try_into()
}

fn rules(process: Process) -> Result<BTreeMap<i64, Vec<SeccompRule>>, seccompiler::BackendError> {
    let calls = [COMMON, OLDER_FORMS, process.own_calls()];
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = calls
        .into_iter()
        .flatten()
        .map(|call| (*call, Vec::new()))
        .collect();
    let of_family = |family: &libc::c_int| {
        SeccompRule::new(vec![SeccompCondition::new(
            0,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::Eq,
            u64::from(family.unsigned_abs()),
        )?])
    };
    let families = process.socket_families().iter();
    rules.insert(
        libc::SYS_socket,
        families.map(of_family).collect::<Result<_, _>>()?,
    );
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_needs_is_on_no_list() {
        for process in [Process::Sensor, Process::Uplink] {
            let rules = rules(process).unwrap();
            for call in [
                libc::SYS_execve,
                libc::SYS_execveat,
                libc::SYS_ptrace,
                libc::SYS_process_vm_readv,
                libc::SYS_process_vm_writev,
                libc::SYS_pidfd_getfd,
                libc::SYS_mount,
                libc::SYS_umount2,
                libc::SYS_setns,
                libc::SYS_unshare,
                libc::SYS_chroot,
                libc::SYS_bpf,
                libc::SYS_perf_event_open,
                libc::SYS_init_module,
                libc::SYS_keyctl,
                libc::SYS_kill,
                libc::SYS_io_uring_setup,
                libc::SYS_listen,
                libc::SYS_accept4,
                libc::SYS_mknodat,
                libc::SYS_setuid,
            ] {
                assert!(!rules.contains_key(&call), "{process:?} may {call}");
            }
        }
        let sensor = rules(Process::Sensor).unwrap();
        for call in [
            libc::SYS_sendto,
            libc::SYS_sendmsg,
            libc::SYS_sendmmsg,
            libc::SYS_connect,
        ] {
            assert!(!sensor.contains_key(&call), "the sensor may {call}");
        }
    }

    #[test]
    fn both_programs_are_made() {
        for process in [Process::Sensor, Process::Uplink] {
            assert!(program(process).unwrap().len() > 100);
        }
    }
}
