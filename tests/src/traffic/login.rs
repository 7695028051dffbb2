//! Logins as they look on the wire: SSH up to the point where it goes dark, and FTP.

use super::entropy::Entropy;
use super::tcp::{Conversation, Side};

const SSH_KEXINIT: u8 = 20;
/// Name lists of a key exchange message (RFC 4253, section 7.1), each sent for both directions where there are two.
const NAME_LISTS: [&str; 10] = [
    "curve25519-sha256",
    "ssh-ed25519",
    "aes256-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-256",
    "none",
    "none",
    "",
    "",
];

/// An SSH login that fails: banners, key exchange, a few encrypted packets, and the server hangs up.
pub fn ssh_attempt(
    conversation: &mut Conversation<'_>,
    client_banner: &str,
    entropy: &mut Entropy,
) {
    conversation.open();
    conversation.send(Side::Client, format!("{client_banner}\r\n").as_bytes());
    conversation.send(Side::Server, b"SSH-2.0-OpenSSH_9.6\r\n");
    conversation.send(Side::Client, &key_exchange_init(entropy));
    conversation.send(Side::Server, &key_exchange_init(entropy));
    for (side, bytes) in [
        (Side::Client, 48),
        (Side::Server, 480),
        (Side::Client, 80),
        (Side::Server, 64),
    ] {
        conversation.send(side, &entropy.bytes(bytes));
    }
    conversation.close();
}

/// An FTP login that fails.
pub fn ftp_attempt(conversation: &mut Conversation<'_>, user: &str, password: &str) {
    conversation.open();
    conversation.send(Side::Server, b"220 FTP server ready\r\n");
    conversation.send(Side::Client, format!("USER {user}\r\n").as_bytes());
    conversation.send(Side::Server, b"331 Password required\r\n");
    conversation.send(Side::Client, format!("PASS {password}\r\n").as_bytes());
    conversation.send(Side::Server, b"530 Login incorrect.\r\n");
    conversation.close();
}

/// A binary packet (section 6) with a key exchange message.
fn key_exchange_init(entropy: &mut Entropy) -> Vec<u8> {
    let mut payload = vec![SSH_KEXINIT];
    payload.extend_from_slice(&entropy.bytes(16));
    for list in NAME_LISTS {
        payload.extend_from_slice(&length(list.as_bytes()).to_be_bytes());
        payload.extend_from_slice(list.as_bytes());
    }
    payload.extend_from_slice(&[0; 5]);
    // The packet is padded to a multiple of eight with at least four bytes.
    let padding = (payload.len() + 5 + 4).next_multiple_of(8) - payload.len() - 5;
    let mut packet = Vec::new();
    packet.extend_from_slice(
        &(length(&payload) + 1 + u32::try_from(padding).expect("at most 11")).to_be_bytes(),
    );
    packet.push(u8::try_from(padding).expect("at most 11"));
    packet.extend_from_slice(&payload);
    packet.extend_from_slice(&entropy.bytes(padding));
    packet
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("a short list")
}
