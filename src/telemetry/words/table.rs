//! How a table of words is written: a row for each variant, exhaustive, its fields by name.

/// One row, as documents show it: `{name}` stands for a part.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The key of API, log and metrics.
    pub key: &'static str,
    /// In Chinese.
    pub zh: &'static str,
    /// In English.
    pub en: &'static str,
}

/// A function from an enum to [`super::Told`], and a list of its rows. A row is
/// `"key" Level Variant { fields } [more = expression] => "中文 {field}", "English {field}";`. All
/// fields stand in it and go to the API under their names, as does what the function is given beside
/// the fact (`name: MachineName`).
macro_rules! words {
    (
        $(#[$doc:meta])*
        $visible:vis $function:ident($type:ident $(, $beside:ident: $besides:ty)*), $list:ident;
        $(
            $key:literal $level:ident $variant:ident $({ $($field:ident),* })?
            $([$($more:ident = $value:expr),*])?
            => $zh:literal, $en:literal;
        )*
    ) => {
        $(#[$doc])*
        $visible fn $function(fact: &$type $(, $beside: &$besides)*) -> super::Told {
            let mut told = match fact {
                $($type::$variant $({ $($field),* })? => {
                    $($(let $more = $value;)*)?
                    super::Told {
                        key: $key,
                        level: super::Level::$level,
                        values: super::parts([
                            $($((stringify!($field), super::part($field)),)*)?
                        ]),
                        zh: super::safe(&std::fmt::format(format_args!($zh)), super::WORDS_MAX),
                        en: super::safe(&std::fmt::format(format_args!($en)), super::WORDS_MAX),
                    }
                })*
            };
            told.values.extend(super::parts([$((stringify!($beside), super::part($beside)),)*]));
            told
        }

        /// Its rows.
        $visible const $list: &[super::Row] =
            &[$(super::Row { key: $key, zh: $zh, en: $en }),*];
    };
}
