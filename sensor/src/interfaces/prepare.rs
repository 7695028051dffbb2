//! Makes an interface a capture port: it never sends, it joins no frames, and only then it is up.
//!
//! The order matters. An interface that comes up with IPv6 announces itself and asks for routers within a second, so IPv6 and ARP
//! are taken off while it is down.

use std::{fs, io};

use super::{
    ethtool::{self, Offload},
    inventory::{self, Interface, NO_ARP, UP, flags, flags_file, ipv6_switch},
};

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Whether it was up before, and so may have sent.
    pub was_up: bool,
    /// Offloads that were turned off.
    pub turned_off: Vec<Offload>,
    /// Why offloads could not be turned off, where they could not.
    pub offload_problem: Option<String>,
}

/// Why an interface is not made a capture port.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// It is not there.
    #[error("there is no interface {interface}; there are {known}")]
    Unknown { interface: String, known: String },
    /// It has addresses, so somebody reaches this machine over it.
    #[error(
        "{interface} has the address {address}: it serves to reach this machine, and a capture port must have none; \
         take the address off or choose another interface"
    )]
    HasAddress { interface: String, address: String },
    /// The kernel refuses.
    #[error("{interface}: cannot {what}; this needs the rights of root")]
    Refused {
        interface: String,
        what: &'static str,
        source: io::Error,
    },
}

/// Takes IPv6, ARP and joined frames off an interface, and brings it up.
///
/// # Errors
/// [`PrepareError`]; the interface may then be down.
pub fn prepare(name: &str) -> Result<Prepared, PrepareError> {
    let interfaces = inventory::all();
    let Some(interface) = interfaces.iter().find(|interface| interface.name == name) else {
        let known: Vec<&str> = interfaces.iter().map(|one| one.name.as_str()).collect();
        return Err(PrepareError::Unknown {
            interface: name.to_owned(),
            known: known.join(", "),
        });
    };
    refuse_one_in_use(interface)?;
    let refused = |what| {
        move |source| PrepareError::Refused {
            interface: name.to_owned(),
            what,
            source,
        }
    };
    let before = flags(name).unwrap_or(0);
    let set_flags = |flags: u32| fs::write(flags_file(name), format!("{flags:#x}"));
    set_flags(before & !UP).map_err(refused("take it down"))?;
    let switch = ipv6_switch(name);
    if switch.exists() {
        fs::write(switch, "1").map_err(refused("take IPv6 off"))?;
    }
    let quiet = (before & !UP) | NO_ARP;
    set_flags(quiet).map_err(refused("take ARP off"))?;
    let turned_off = interface.offloads.clone().unwrap_or_default();
    let offload_problem = if turned_off.is_empty() {
        None
    } else {
        ethtool::turn_off(name, &turned_off)
            .err()
            .map(|error| error.to_string())
    };
    set_flags(quiet | UP).map_err(refused("bring it up"))?;
    Ok(Prepared {
        was_up: interface.is_up,
        turned_off: if offload_problem.is_none() {
            turned_off
        } else {
            Vec::new()
        },
        offload_problem,
    })
}

/// An interface with an address is how people reach the machine. Link-local addresses come by themselves.
fn refuse_one_in_use(interface: &Interface) -> Result<(), PrepareError> {
    let serves = interface.addresses.iter().find(|network| {
        let address = network.addr();
        match address {
            std::net::IpAddr::V4(_) => true,
            std::net::IpAddr::V6(address) => !address.is_unicast_link_local(),
        }
    });
    match serves {
        None => Ok(()),
        Some(address) => Err(PrepareError::HasAddress {
            interface: interface.name.clone(),
            address: address.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_that_serves_is_left_alone() {
        let message = prepare("lo").unwrap_err().to_string();
        assert!(message.contains("127.0.0.1"), "{message}");
        let message = prepare("no-such").unwrap_err().to_string();
        assert!(message.contains("there are lo"), "{message}");
    }
}
