//! Asks what time it is (SNTP, RFC 4330): one datagram there, one back.

use std::{
    net::{IpAddr, SocketAddr, UdpSocket},
    time::Duration,
};

use anyhow::{Context, bail};

const PORT: u16 = 123;
const PATIENCE: Duration = Duration::from_secs(3);
/// From 1900, where the protocol begins to count, to 1970, in seconds.
const FROM_1900_TO_1970: u64 = 2_208_988_800;
/// Version 4, from a client.
const QUESTION: u8 = 0x23;

/// Seconds since 1970, as a server says. `floor_seconds` is a time that is certainly past.
pub(crate) fn ask(server: IpAddr, floor_seconds: u64) -> anyhow::Result<u64> {
    let any: IpAddr = if server.is_ipv4() {
        [0_u8; 4].into()
    } else {
        [0_u16; 8].into()
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(SocketAddr::from((server, PORT)))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut question = [0; 48];
    question[0] = QUESTION;
    // Given back by the server: nobody can answer in its place without having seen the question.
    question[40..48].copy_from_slice(&super::random::<8>()?);
    socket.send(&question)?;
    let mut answer = [0; 128];
    let length = socket.recv(&mut answer).context("no answer")?;
    read(
        answer.get(..length).unwrap_or_default(),
        &question[40..48],
        floor_seconds,
    )
}

fn read(answer: &[u8], mark: &[u8], floor_seconds: u64) -> anyhow::Result<u64> {
    let field = |at: usize| answer.get(at..).and_then(|bytes| bytes.first_chunk::<4>());
    let (Some(first), Some(seconds)) = (field(0), field(40)) else {
        bail!("the answer is cut");
    };
    let [mode, stratum, ..] = *first;
    if mode & 7 != 4
        || mode >> 6 == 3
        || !(1..16).contains(&stratum)
        || answer.get(24..32) != Some(mark)
    {
        bail!("the server does not know the time itself");
    }
    let seconds = u64::from(u32::from_be_bytes(*seconds));
    // Counting began again in 2036.
    let since_1900 = if seconds < 1 << 31 {
        seconds + (1 << 32)
    } else {
        seconds
    };
    let since_1970 = since_1900.saturating_sub(FROM_1900_TO_1970);
    if since_1970 < floor_seconds {
        bail!("the server is in the past");
    }
    Ok(since_1970)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: [u8; 8] = [0, 0, 0, 0, 1, 2, 3, 4];

    fn answer(first: [u8; 4], seconds: u32) -> Vec<u8> {
        let mut bytes = first.to_vec();
        bytes.resize(24, 0);
        bytes.extend(MARK);
        bytes.extend([0; 8]);
        bytes.extend(seconds.to_be_bytes());
        bytes.extend([0; 4]);
        bytes
    }

    #[test]
    fn only_a_server_that_knows_is_believed() {
        // 2026-11-30T00:00:00Z
        let seconds = 3_989_001_600;
        let now = u64::from(seconds) - FROM_1900_TO_1970;
        let good = answer([0x24, 2, 0, 0], seconds);
        assert_eq!(read(&good, &MARK, now - 5).unwrap(), now);
        assert!(read(&good, &MARK, now + 1).is_err(), "the past");
        assert!(
            read(&good, &[0; 8], 0).is_err(),
            "an answer to another question"
        );
        assert!(
            read(&answer([0x24, 0, 0, 0], seconds), &MARK, 0).is_err(),
            "a refusal"
        );
        assert!(
            read(&answer([0xE4, 2, 0, 0], seconds), &MARK, 0).is_err(),
            "not synchronized"
        );
        assert!(read(&good[..47], &MARK, 0).is_ok());
        assert!(read(&good[..43], &MARK, 0).is_err(), "cut");
        // 2036-02-07T06:28:17Z
        assert_eq!(
            read(&answer([0x24, 2, 0, 0], 1), &MARK, now).unwrap(),
            2_085_978_497
        );
    }
}
