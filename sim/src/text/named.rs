//! Enums whose variants have names in text, each spelled once, beside its variant.

/// Declares an enum of plain variants, each with its name in text.
///
/// It defines `ALL`, every variant in order, and `name`, which returns the name of a variant.
macro_rules! named_enum {
    (
        $(#[$meta:meta])*
        $visibility:vis enum $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)*
        }
    ) => {
        $(#[$meta])*
        $visibility enum $name {
            $($(#[$variant_meta])* $variant,)*
        }

        impl $name {
            /// Every variant, in order.
            pub const ALL: [$name; [$($word),*].len()] = [$($name::$variant),*];

            /// The name of the variant in text.
            pub fn name(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)*
                }
            }
        }
    };
}

pub(crate) use named_enum;

#[cfg(test)]
mod tests {
    named_enum! {
        /// Two sides.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Side {
            /// The first side.
            Left = "left",
            /// The second side.
            Right = "right",
        }
    }

    #[test]
    fn each_variant_has_its_word() {
        assert_eq!(Side::ALL, [Side::Left, Side::Right]);
        assert_eq!(Side::ALL.map(Side::name), ["left", "right"]);
    }
}
