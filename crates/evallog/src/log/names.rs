//! Names out of a list that may grow: a name that is not known here survives.

macro_rules! names {
    (
        $(#[$doc:meta])*
        pub enum $type:ident {
            $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $type {
            $($(#[$variant_doc])* $variant,)+
            /// A name that this crate does not know, kept as it is.
            Other(String),
        }

        impl $type {
            /// The name as it stands in a log.
            pub fn as_str(&self) -> &str {
                match self {
                    $($type::$variant => $name,)+
                    $type::Other(name) => name,
                }
            }
        }

        impl From<&str> for $type {
            fn from(name: &str) -> $type {
                match name {
                    $($name => $type::$variant,)+
                    other => $type::Other(other.to_owned()),
                }
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Ok($type::from(&*name))
            }
        }
    };
}

pub(crate) use names;
