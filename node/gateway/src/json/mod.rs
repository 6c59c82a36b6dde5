//! etcd's messages as JSON, the way its own gateway from JSON to gRPC has them: proto3's JSON with the names of the fields as they are in the
//! `.proto` files. Integers of 64 bits are strings, bytes are in base64, and what has its default is left out.

mod read;
mod requests;
mod responses;
mod write;

use serde_json::Value;

use write::Writes;

/// A message that comes as JSON.
pub(crate) trait Readable: Default {
    /// Reads one. Names may also be in camel case; fields that are not known are passed over, and null is the default.
    ///
    /// # Errors
    /// A sentence, if it is not of this form.
    fn from_json(value: &Value) -> Result<Self, String>;
}

/// A message that goes as JSON.
pub(crate) trait Writable {
    /// Writes it.
    fn to_json(&self) -> Value;
}
