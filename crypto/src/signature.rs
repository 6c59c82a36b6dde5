//! Signatures as they stand on the wire.

use crate::bytes::fixed_bytes;

/// An Ed25519 signature (RFC 8032, section 5.1.6): 32 bytes of R, then 32 bytes of S. Nothing about it is checked before a
/// [`SignatureScheme`](crate::SignatureScheme) judges it.
///
/// Written as 128 hexadecimal digits; `Debug` shows the first eight. In binary serde formats it is 64 bytes without a length.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature([u8; 64]);

fixed_bytes!(Signature, 64);
