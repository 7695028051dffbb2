//! Commands that wait for their reply, in order.

use std::collections::VecDeque;

use crate::app_layer::limits;

/// A command as far as its reply matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    StartTls,
    Data,
    Chunk,
    /// The mail itself, whose end is acknowledged like a command.
    Mail,
    Reset,
    Other,
}

/// Commands without a reply yet.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    commands: VecDeque<Command>,
}

impl Waiting {
    /// Adds one; `false` where it follows a command that must be the last of a group (RFC 2920, section 3.1).
    pub(super) fn add(&mut self, command: Command) -> bool {
        let follows_last_of_group = matches!(
            self.commands.back(),
            Some(Command::StartTls | Command::Data)
        );
        if self.commands.len() < limits::SMTP_WAITING_COMMANDS_MAX {
            self.commands.push_back(command);
        }
        !follows_last_of_group
    }

    /// The command that the next reply answers.
    pub(super) fn next(&self) -> Option<Command> {
        self.commands.front().copied()
    }

    /// Its reply is complete.
    pub(super) fn answered(&mut self) {
        self.commands.pop_front();
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.commands.capacity()
    }
}
