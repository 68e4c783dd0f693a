//! From values to bytes.

use std::io::{self, Write};

use serde::{
    Serialize, Serializer,
    ser::{
        Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple,
        SerializeTupleStruct,
    },
};

type Result<T, E = serde_json::Error> = std::result::Result<T, E>;

/// Writes a value as compact JSON, numbers that are none as Python does.
pub(crate) fn to_writer(writer: impl Write, value: &(impl Serialize + ?Sized)) -> io::Result<()> {
    value.serialize(&mut Printer { writer }).map_err(io::Error::from)
}

struct Printer<W> {
    writer: W,
}

impl<W: Write> Printer<W> {
    fn raw(&mut self, text: &str) -> Result<()> {
        self.writer.write_all(text.as_bytes()).map_err(serde_json::Error::io)
    }

    fn open(&mut self, open: &str, close: &'static str) -> Result<Compound<'_, W>> {
        self.raw(open)?;
        Ok(Compound { printer: self, first: true, close })
    }
}

macro_rules! plain {
    ($($method:ident: $type:ty),+ $(,)?) => {$(
        fn $method(self, value: $type) -> Result<()> {
            serde_json::to_writer(&mut self.writer, &value)
        }
    )+};
}

fn not_needed<T>() -> Result<T> {
    Err(serde::ser::Error::custom("a log holds no such value"))
}

impl<'a, W: Write> Serializer for &'a mut Printer<W> {
    type Ok = ();
    type Error = serde_json::Error;
    type SerializeSeq = Compound<'a, W>;
    type SerializeTuple = Compound<'a, W>;
    type SerializeTupleStruct = Compound<'a, W>;
    type SerializeTupleVariant = Impossible<(), serde_json::Error>;
    type SerializeMap = Compound<'a, W>;
    type SerializeStruct = Compound<'a, W>;
    type SerializeStructVariant = Impossible<(), serde_json::Error>;

    plain! {
        serialize_bool: bool,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_char: char, serialize_str: &str,
    }

    fn serialize_f32(self, value: f32) -> Result<()> {
        self.serialize_f64(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Result<()> {
        match value {
            _ if value.is_nan() => self.raw("NaN"),
            f64::INFINITY => self.raw("Infinity"),
            f64::NEG_INFINITY => self.raw("-Infinity"),
            _ => serde_json::to_writer(&mut self.writer, &value),
        }
    }

    fn serialize_bytes(self, _bytes: &[u8]) -> Result<()> {
        not_needed()
    }

    fn serialize_none(self) -> Result<()> {
        self.raw("null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<()> {
        self.raw("null")
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<()> {
        self.raw("null")
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<()> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<()> {
        not_needed()
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Compound<'a, W>> {
        self.open("[", "]")
    }

    fn serialize_tuple(self, _length: usize) -> Result<Compound<'a, W>> {
        self.open("[", "]")
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> Result<Compound<'a, W>> {
        self.open("[", "]")
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeTupleVariant> {
        not_needed()
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Compound<'a, W>> {
        self.open("{", "}")
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Compound<'a, W>> {
        self.open("{", "}")
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeStructVariant> {
        not_needed()
    }
}

/// A list or an object that is being written.
struct Compound<'a, W> {
    printer: &'a mut Printer<W>,
    first: bool,
    close: &'static str,
}

impl<W: Write> Compound<'_, W> {
    fn comma(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.first, false) {
            true => Ok(()),
            false => self.printer.raw(","),
        }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.comma()?;
        value.serialize(&mut *self.printer)
    }
}

macro_rules! list {
    ($($trait:ident::$method:ident),+ $(,)?) => {$(
        impl<W: Write> $trait for Compound<'_, W> {
            type Ok = ();
            type Error = serde_json::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.item(value)
            }

            fn end(self) -> Result<()> {
                self.printer.raw(self.close)
            }
        }
    )+};
}

list! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
}

impl<W: Write> SerializeMap for Compound<'_, W> {
    type Ok = ();
    type Error = serde_json::Error;

    /// All keys of a log are texts.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.item(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.printer.raw(":")?;
        value.serialize(&mut *self.printer)
    }

    fn end(self) -> Result<()> {
        self.printer.raw(self.close)
    }
}

impl<W: Write> SerializeStruct for Compound<'_, W> {
    type Ok = ();
    type Error = serde_json::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<()> {
        SerializeMap::serialize_entry(self, key, value)
    }

    fn end(self) -> Result<()> {
        self.printer.raw(self.close)
    }
}
