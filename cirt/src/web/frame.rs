//! What surrounds every page: navigation, who is logged in, what needs attention.

use super::state::WebState;
use super::static_files::STYLE_VERSION;
use crate::store::{Role, Session};

/// The parts of a page that are the same everywhere.
pub(super) struct Frame {
    pub(super) centre: String,
    pub(super) style_version: &'static str,
    /// Which entry of the navigation is current.
    pub(super) section: &'static str,
    /// Nobody on the login page.
    pub(super) user: Option<FrameUser>,
}

/// Who is logged in.
pub(super) struct FrameUser {
    pub(super) name: String,
    pub(super) is_administrator: bool,
    pub(super) form_token: String,
}

impl Frame {
    /// The frame of a page for someone who is logged in.
    pub(super) fn of(state: &WebState, session: &Session, section: &'static str) -> Self {
        let user = FrameUser {
            name: session.user.clone(),
            is_administrator: session.role == Role::Administrator,
            form_token: session.form_token.clone(),
        };
        Self {
            user: Some(user),
            ..Self::anonymous(&state.centre, section)
        }
    }

    /// The frame of a page for anyone.
    pub(super) fn anonymous(centre: &str, section: &'static str) -> Self {
        Self {
            centre: centre.to_owned(),
            style_version: STYLE_VERSION.as_str(),
            section,
            user: None,
        }
    }
}
