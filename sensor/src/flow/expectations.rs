//! Flows that other flows announced: FTP's data connections, which have no port of their own.
//!
//! An expectation waits for the first bytes between the same two addresses with the announced port on either side. It is used
//! once, times out, and there are only so many: the oldest goes first.

use std::{collections::VecDeque, net::IpAddr};

use crate::{app_layer::ExpectedTransfer, time::Timestamp};

/// Expectations that one worker holds.
const EXPECTATIONS_MAX: usize = 1_024;
/// How long one waits, in seconds, as in the reference.
const WAIT_SECONDS: u64 = 30;

/// Those of one worker, oldest first.
#[derive(Debug, Default)]
pub struct Expectations(VecDeque<Expectation>);

#[derive(Debug)]
struct Expectation {
    ftp_server: IpAddr,
    ftp_client: IpAddr,
    since: Timestamp,
    transfer: ExpectedTransfer,
}

impl Expectations {
    /// A control connection between these two announced a transfer.
    pub fn add(
        &mut self,
        ftp_server: IpAddr,
        ftp_client: IpAddr,
        transfer: ExpectedTransfer,
        now: Timestamp,
    ) {
        self.let_go(now);
        if self.0.len() >= EXPECTATIONS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Expectation {
            ftp_server,
            ftp_client,
            since: now,
            transfer,
        });
    }

    /// The transfer that a flow from `client` to `server` was announced for, and whether the FTP server opened it.
    pub fn take(
        &mut self,
        client: (IpAddr, u16),
        server: (IpAddr, u16),
        now: Timestamp,
    ) -> Option<(ExpectedTransfer, bool)> {
        if self.0.is_empty() {
            return None;
        }
        self.let_go(now);
        let at = self.0.iter().position(|expectation| {
            let ftp = (expectation.ftp_server, expectation.ftp_client);
            let is_between = ftp == (client.0, server.0) || ftp == (server.0, client.0);
            is_between && [client.1, server.1].contains(&expectation.transfer.port)
        })?;
        let expectation = self.0.remove(at)?;
        Some((expectation.transfer, expectation.ftp_server == client.0))
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    fn let_go(&mut self, now: Timestamp) {
        while let Some(oldest) = self.0.front()
            && now.seconds_since(oldest.since) > WAIT_SECONDS
        {
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::app_layer::FtpTransfer;

    const ONE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    fn transfer(port: u16) -> ExpectedTransfer {
        ExpectedTransfer {
            port,
            transfer: FtpTransfer::Retrieve,
            name: Vec::new(),
        }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp(seconds * Timestamp::NANOSECONDS_PER_SECOND)
    }

    #[test]
    fn one_is_found_once_from_either_side() {
        let mut all = Expectations::default();
        all.add(OTHER, ONE, transfer(2_000), at(1));
        all.add(OTHER, ONE, transfer(2_001), at(1));
        assert_eq!(all.take((ONE, 9), (OTHER, 8), at(2)), None);
        assert_eq!(all.take((ONE, 2_000), (ONE, 8), at(2)), None);
        let active = all.take((OTHER, 20), (ONE, 2_001), at(2));
        assert_eq!(active, Some((transfer(2_001), true)));
        let passive = all.take((ONE, 9), (OTHER, 2_000), at(2));
        assert_eq!(passive, Some((transfer(2_000), false)));
        assert_eq!(all.take((ONE, 9), (OTHER, 2_000), at(2)), None);
    }

    #[test]
    fn they_time_out_and_are_bounded() {
        let mut all = Expectations::default();
        all.add(ONE, OTHER, transfer(1), at(0));
        assert_eq!(all.take((ONE, 1), (OTHER, 8), at(WAIT_SECONDS + 1)), None);
        for _ in 0..=EXPECTATIONS_MAX {
            all.add(ONE, OTHER, transfer(2), at(40));
        }
        assert_eq!(all.0.len(), EXPECTATIONS_MAX);
        all.clear();
        assert_eq!(all.take((ONE, 2), (OTHER, 8), at(40)), None);
    }
}
