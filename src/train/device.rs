//! The device on which libtorch computes.

use std::{fmt, str::FromStr};

use tch::{Cuda, Device};

use crate::error::{Error, ErrorKind, Result};

/// A device as people name it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum DeviceName {
    /// The first CUDA device where libtorch has one, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// A CUDA device by its number.
    Cuda(usize),
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.pad("auto"),
            Self::Cpu => f.pad("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl FromStr for DeviceName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let unknown = || {
            invalid(format!(
                "{name:?} is not a device; expected auto, cpu, cuda, or cuda:N with N from 0"
            ))
        };
        match name {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => {
                let number = name.strip_prefix("cuda:").ok_or_else(unknown)?;
                let digits = number.bytes().all(|byte| byte.is_ascii_digit());
                let number = number.parse().ok().filter(|_| digits);
                number.map(Self::Cuda).ok_or_else(unknown)
            }
        }
    }
}

impl DeviceName {
    /// The device in libtorch.
    ///
    /// # Errors
    /// For a CUDA device that libtorch does not have.
    pub(crate) fn find(self) -> Result<Device> {
        self.among(tch::utils::has_cuda(), Cuda::device_count().max(0) as usize)
    }

    /// As [`DeviceName::find`], for a libtorch built with CUDA or without, that sees this number of devices.
    fn among(self, with_cuda: bool, devices: usize) -> Result<Device> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Auto if with_cuda && devices > 0 => Ok(Device::Cuda(0)),
            Self::Auto => Ok(Device::Cpu),
            Self::Cuda(number) if with_cuda && number < devices => Ok(Device::Cuda(number)),
            Self::Cuda(_) => {
                let found = match (with_cuda, devices) {
                    (false, _) => "this program's libtorch was built without CUDA".to_owned(),
                    (true, 0) => {
                        "libtorch finds no CUDA device (is the driver installed and a device visible?)"
                            .to_owned()
                    }
                    (true, 1) => "libtorch finds one CUDA device, cuda:0".to_owned(),
                    (true, count) => {
                        format!("libtorch finds {count} CUDA devices, cuda:0 to cuda:{}", count - 1)
                    }
                };
                Err(invalid(format!(
                    "{self} was asked for, but {found}; use cpu, or auto for the best device there is"
                )))
            }
        }
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_named_as_in_pytorch() {
        let parse = |name: &str| name.parse::<DeviceName>();
        assert_eq!(parse("auto").unwrap(), DeviceName::Auto);
        assert_eq!(parse("cpu").unwrap(), DeviceName::Cpu);
        assert_eq!(parse("cuda").unwrap(), DeviceName::Cuda(0));
        assert_eq!(parse("cuda:12").unwrap(), DeviceName::Cuda(12));
        for wrong in [
            "",
            "gpu",
            "cuda:",
            "cuda:-1",
            "cuda:+1",
            "cuda:x",
            "cuda:99999999999999999999",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn auto_takes_cuda_if_there_is_one_and_a_missing_device_is_an_error() {
        assert_eq!(DeviceName::Auto.among(true, 1).unwrap(), Device::Cuda(0));
        assert_eq!(DeviceName::Auto.among(true, 0).unwrap(), Device::Cpu);
        assert_eq!(DeviceName::Auto.among(false, 0).unwrap(), Device::Cpu);
        assert_eq!(DeviceName::Cpu.among(true, 2).unwrap(), Device::Cpu);
        assert_eq!(DeviceName::Cuda(1).among(true, 2).unwrap(), Device::Cuda(1));
        for (with_cuda, devices, reason) in [
            (false, 0, "built without CUDA"),
            (true, 0, "finds no CUDA device"),
            (true, 1, "one CUDA device, cuda:0"),
            (true, 2, "2 CUDA devices, cuda:0 to cuda:1"),
        ] {
            let error = DeviceName::Cuda(2).among(with_cuda, devices).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(reason) && text.contains("cuda:2"), "{text}");
        }
    }
}
