//! Reads NumPy's file format (version 1.0), for comparison with NumPy's own files and with ours.

use std::{fs, path::Path};

/// The shape and the values of a float32 array in C order.
pub fn read_npy(path: &Path) -> (Vec<u64>, Vec<f32>) {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(bytes[..8], *b"\x93NUMPY\x01\x00", "{}", path.display());
    let data = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert_eq!(data % 64, 0, "NumPy aligns the data to 64 bytes");
    let header = str::from_utf8(&bytes[10..data]).unwrap();
    assert!(header.contains("'descr': '<f4'") && header.contains("'fortran_order': False"));
    let (_, shape) = header.split_once("'shape': (").unwrap();
    let (shape, _) = shape.split_once(')').unwrap();
    let shape: Vec<u64> = shape
        .split(',')
        .filter(|length| !length.trim().is_empty())
        .map(|length| length.trim().parse().unwrap())
        .collect();
    let (values, rest) = bytes[data..].as_chunks();
    assert!(rest.is_empty());
    let values: Vec<f32> = values
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    assert_eq!(shape.iter().product::<u64>(), values.len() as u64);
    (shape, values)
}
