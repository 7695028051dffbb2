//! Mails that came back: delivery status notifications (RFC 3464), as the mail server hands them to a program.

use super::super::limits::BOUNCE_BYTES;

/// What a notification says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounce {
    /// Of the mail that did not arrive, without angle brackets.
    pub message_id: String,
    pub recipient: String,
    /// As in `5.1.1`.
    pub status: String,
}

/// Reads a notification; none when it tells of no final failure of a mail that it names.
#[must_use]
pub fn read_bounce(text: &str) -> Option<Bounce> {
    let text: String = text.chars().take(BOUNCE_BYTES).collect();
    let field = |name: &str| {
        text.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim()
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    };
    if !field("action")?.eq_ignore_ascii_case("failed") {
        return None;
    }
    // The notification has an id of its own; that of the mail stands in the part that returns its head.
    let ids = text.lines().filter_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim()
            .eq_ignore_ascii_case("message-id")
            .then(|| value.trim().trim_matches(['<', '>']).to_owned())
    });
    Some(Bounce {
        message_id: ids.last()?,
        recipient: field("final-recipient")?
            .rsplit(';')
            .next()?
            .trim()
            .to_owned(),
        status: field("status").unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: &str = "From: MAILER-DAEMON@mail.example\r\nMessage-ID: <own@mail.example>\r\n\r\n--x\r\n\
        Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.example\r\n\r\n\
        Final-Recipient: rfc822; abuse@isp.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--x\r\n\
        Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <7@cirt.example>\r\n--x--\r\n";

    #[test]
    fn only_final_failures_count() {
        let bounce = read_bounce(FAILED).unwrap();
        assert_eq!(
            (
                bounce.message_id.as_str(),
                bounce.recipient.as_str(),
                bounce.status.as_str()
            ),
            ("7@cirt.example", "abuse@isp.example", "5.1.1")
        );
        assert_eq!(read_bounce(&FAILED.replace("failed", "delayed")), None);
        assert_eq!(read_bounce("Hello"), None);
    }
}
