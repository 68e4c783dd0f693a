//! Tables as rows of JSON.

use std::path::Path;

use serde_json::{Map, Value};

use crate::{Error, Result};

/// The rows of a CSV file; every cell is a text, and an empty one is not there.
pub(super) fn csv(
    path: &Path,
) -> Result<impl Iterator<Item = Result<Map<String, Value>>> + use<'_>> {
    let wrong =
        |error: csv::Error| Error::Dataset { path: path.to_owned(), message: error.to_string() };
    let mut file = csv::Reader::from_path(path).map_err(wrong)?;
    let names = file.headers().map_err(wrong)?.clone();
    Ok(file.into_records().map(move |record| {
        let record = record.map_err(wrong)?;
        let cells = names.iter().zip(&record).filter(|(_, cell)| !cell.is_empty());
        // Files of spreadsheets begin with a byte order mark.
        let name = |name: &str| name.trim_start_matches('\u{feff}').to_owned();
        Ok(cells.map(|(column, cell)| (name(column), Value::from(cell))).collect())
    }))
}

/// The rows of a Parquet file.
#[cfg(feature = "parquet")]
pub(super) fn parquet(
    path: &Path,
) -> Result<impl Iterator<Item = Result<Map<String, Value>>> + use<'_>> {
    use parquet::file::reader::SerializedFileReader;

    let wrong = move |error: parquet::errors::ParquetError| Error::Dataset {
        path: path.to_owned(),
        message: error.to_string(),
    };
    let file =
        std::fs::File::open(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
    let rows = SerializedFileReader::new(file).map_err(wrong)?.into_iter();
    Ok(rows.map(move |row| match row.map_err(wrong)?.to_json_value() {
        Value::Object(row) => Ok(row),
        _ => Err(Error::Dataset { path: path.to_owned(), message: "a row is no object".into() }),
    }))
}
