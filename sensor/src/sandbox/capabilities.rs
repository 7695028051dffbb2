//! Linux capabilities: dropped for good, also for programs that this process would start.

use std::io;

use rustix::{
    io::Errno,
    thread::{
        CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
        clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
        set_no_new_privs,
    },
};

/// Keeps of its capabilities only those in `kept`, for this thread and the threads it starts later.
pub(super) fn keep_only(kept: CapabilitySet) -> io::Result<()> {
    set_no_new_privs(true)?;
    let now = capabilities(None)?;
    if now.effective.contains(CapabilitySet::SETPCAP) {
        shrink_bounding_set(kept)?;
    }
    match clear_ambient_capability_set() {
        // Kernels without ambient capabilities have none to clear.
        Ok(()) | Err(Errno::INVAL) => {}
        Err(error) => return Err(error.into()),
    }
    let remaining = CapabilitySets {
        effective: now.effective & kept,
        permitted: now.permitted & kept,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, remaining)?;
    Ok(())
}

/// The set that bounds what a program started from here could ever gain.
fn shrink_bounding_set(kept: CapabilitySet) -> io::Result<()> {
    for number in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match capability_is_in_bounding_set(capability) {
            Ok(true) if !kept.contains(capability) => {
                remove_capability_from_bounding_set(capability)?
            }
            Ok(_) => {}
            // Beyond the last capability that this kernel knows.
            Err(Errno::INVAL) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_is_dropped_cannot_be_had_again() {
        // Capabilities belong to a thread, so the test's other threads keep theirs.
        let after = thread::spawn(|| {
            keep_only(CapabilitySet::NET_RAW).unwrap();
            let back = set_capabilities(
                None,
                CapabilitySets {
                    effective: CapabilitySet::NET_RAW | CapabilitySet::SYS_ADMIN,
                    permitted: CapabilitySet::NET_RAW | CapabilitySet::SYS_ADMIN,
                    inheritable: CapabilitySet::empty(),
                },
            );
            assert!(back.is_err());
            capabilities(None).unwrap()
        });
        let after = after.join().unwrap();
        assert!(CapabilitySet::NET_RAW.contains(after.permitted));
        assert!(after.inheritable.is_empty());
    }
}
