//! Who may do what: roles, the permissions they stand for, the second factor.
//!
//! A role is a set of permissions; code asks for a permission, never for a role. A token of the API holds some of its
//! owner's permissions. What a person may *see* is another matter: [`crate::query::Scope`].

mod permission;
mod role;
mod second_factor;

pub use permission::{Permission, PermissionSet};
pub use role::Role;
pub use second_factor::SecondFactor;
