//! Who may send: the centre's own certificate authority and what it issues.

mod certificate_authority;

pub use certificate_authority::{AuthorityError, CertificateAuthority, IssuedCertificate, ServerIdentity};
