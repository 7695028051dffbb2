//! Who may send: the centre's own certificate authority, the vouchers it writes, what it issues, and the key that
//! batches are sealed to.

mod certificate_authority;
mod requests;
mod sealing_key;
mod server_certificate;
mod vouchers;

pub use certificate_authority::{
    AuthorityError, CertificateAuthority, IssuedCertificate, ServerIdentity,
};
pub(crate) use requests::proven_key;
pub use requests::{Answer, EnrolmentDesk, EnrolmentError};
pub use sealing_key::{create_sealing_key, load_sealing_key};
pub use server_certificate::{ServerCertificate, ServerCertificateError};
pub use vouchers::{NewVoucher, VoucherError, WrittenVoucher, secret_hash, write_voucher};
