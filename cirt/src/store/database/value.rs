//! What goes into a statement and what comes out of a row.

use super::Result;
use super::error::Error;

/// One value of its own.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

/// One value that lies elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::store) enum ValueRef<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    Blob(&'a [u8]),
}

impl<'a> ValueRef<'a> {
    /// What it is, for a message.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Integer(_) => "a number",
            Self::Text(_) => "a text",
            Self::Blob(_) => "bytes",
        }
    }

    pub(in crate::store) fn to_owned(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Integer(number) => Value::Integer(number),
            Self::Text(text) => Value::Text(text.to_owned()),
            Self::Blob(bytes) => Value::Blob(bytes.to_owned()),
        }
    }
}

impl Value {
    /// What it takes, roughly.
    pub(super) const fn bytes(&self) -> usize {
        match self {
            Self::Null | Self::Integer(_) => 8,
            Self::Text(text) => text.len(),
            Self::Blob(bytes) => bytes.len(),
        }
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(bytes)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(i64::from(number))
    }
}

/// What can be put into a statement.
pub(in crate::store) trait ToValue {
    /// The value; an error when no column could hold it.
    fn to_value(&self) -> Result<ValueRef<'_>>;
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl ToValue for $type {
            fn to_value(&self) -> Result<ValueRef<'_>> {
                Ok(ValueRef::Integer(i64::from(*self)))
            }
        }
    )*};
}
integers!(i64, i32, u32, u16, u8, bool);

impl ToValue for u64 {
    fn to_value(&self) -> Result<ValueRef<'_>> {
        let number = i64::try_from(*self).map_err(|_| Error::TooLarge(*self))?;
        Ok(ValueRef::Integer(number))
    }
}

impl ToValue for usize {
    fn to_value(&self) -> Result<ValueRef<'_>> {
        let number = i64::try_from(*self).map_err(|_| Error::TooLarge(u64::MAX))?;
        Ok(ValueRef::Integer(number))
    }
}

impl ToValue for str {
    fn to_value(&self) -> Result<ValueRef<'_>> {
        Ok(ValueRef::Text(self))
    }
}

impl ToValue for String {
    fn to_value(&self) -> Result<ValueRef<'_>> {
        Ok(ValueRef::Text(self))
    }
}

impl ToValue for [u8] {
    fn to_value(&self) -> Result<ValueRef<'_>> {
        Ok(ValueRef::Blob(self))
    }
}

impl ToValue for Vec<u8> {
    fn to_value(&self) -> Result<ValueRef<'_>> {
        Ok(ValueRef::Blob(self))
    }
}

impl<const N: usize> ToValue for [u8; N] {
    fn to_value(&self) -> Result<ValueRef<'_>> {
        Ok(ValueRef::Blob(self))
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Result<ValueRef<'_>> {
        (**self).to_value()
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Result<ValueRef<'_>> {
        self.as_ref().map_or(Ok(ValueRef::Null), ToValue::to_value)
    }
}

impl ToValue for Value {
    fn to_value(&self) -> Result<ValueRef<'_>> {
        Ok(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        })
    }
}

impl ToValue for ValueRef<'_> {
    fn to_value(&self) -> Result<ValueRef<'_>> {
        Ok(*self)
    }
}

/// What can be read out of a column.
pub(in crate::store) trait FromValue: Sized {
    /// What a message calls it.
    const WANTED: &'static str;

    /// The value, none when it is of another kind.
    fn from_value(value: ValueRef<'_>) -> Option<Self>;
}

macro_rules! from_integers {
    ($($type:ty),*) => {$(
        impl FromValue for $type {
            const WANTED: &'static str = stringify!($type);

            fn from_value(value: ValueRef<'_>) -> Option<Self> {
                match value {
                    ValueRef::Integer(number) => Self::try_from(number).ok(),
                    _ => None,
                }
            }
        }
    )*};
}
from_integers!(i64, u64, u32, u16, u8, usize);

impl FromValue for bool {
    const WANTED: &'static str = "a truth";

    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Integer(number) => Some(number != 0),
            _ => None,
        }
    }
}

impl FromValue for String {
    const WANTED: &'static str = "a text";

    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Text(text) => Some(text.to_owned()),
            _ => None,
        }
    }
}

impl FromValue for Vec<u8> {
    const WANTED: &'static str = "bytes";

    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Blob(bytes) => Some(bytes.to_owned()),
            _ => None,
        }
    }
}

impl<const N: usize> FromValue for [u8; N] {
    const WANTED: &'static str = "bytes of a given length";

    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Blob(bytes) => bytes.try_into().ok(),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    const WANTED: &'static str = T::WANTED;

    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// The values of a statement's placeholders, in their order.
pub(in crate::store) trait Parameters {
    fn values(&self) -> Result<Vec<ValueRef<'_>>>;
}

impl<T: ToValue, const N: usize> Parameters for [T; N] {
    fn values(&self) -> Result<Vec<ValueRef<'_>>> {
        self.iter().map(ToValue::to_value).collect()
    }
}

/// None at all.
impl Parameters for () {
    fn values(&self) -> Result<Vec<ValueRef<'_>>> {
        Ok(Vec::new())
    }
}

impl Parameters for &[&dyn ToValue] {
    fn values(&self) -> Result<Vec<ValueRef<'_>>> {
        self.iter().map(|value| value.to_value()).collect()
    }
}

/// As many as there are: what [`listed`] wraps.
pub(in crate::store) struct Listed<'a>(&'a [Value]);

/// Parameters of a statement that was put together.
pub(in crate::store) const fn listed(values: &[Value]) -> Listed<'_> {
    Listed(values)
}

impl Parameters for Listed<'_> {
    fn values(&self) -> Result<Vec<ValueRef<'_>>> {
        self.0.iter().map(ToValue::to_value).collect()
    }
}

/// Values of different kinds as the parameters of one statement.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as &dyn $crate::store::database::ToValue),*] as &[&dyn $crate::store::database::ToValue]
    };
}
pub(in crate::store) use params;
