//! Packets to mono samples, whichever decoder does it.

use super::{
    mixer::Mixer,
    opus::{OpusPackets, SAMPLE_RATE as OPUS_RATE},
    source::unsupported,
};
use crate::{Error, ErrorKind, Result};
use symphonia::core::{
    codecs::audio::{
        AudioCodecParameters, AudioDecoder, AudioDecoderOptions, well_known::CODEC_ID_OPUS,
    },
    errors::Error as SymphoniaError,
    packet::Packet,
};

/// A decoder for the packets of one track.
pub(super) enum Codec {
    Symphonia(Box<dyn AudioDecoder>),
    Opus(Box<OpusPackets>),
}

/// The reason why a packet was not decoded.
pub(super) enum PacketError {
    /// It is damaged; the next one may be fine.
    Damaged,
    /// It uses something that the decoder does not know.
    Unsupported(&'static str),
}

impl Codec {
    /// Makes the decoder of a track.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] without a decoder for the codec, [`ErrorKind::Damaged`] for broken parameters.
    pub(super) fn new(params: &AudioCodecParameters) -> Result<Self> {
        if params.codec == CODEC_ID_OPUS {
            let head = params.extra_data.as_deref().unwrap_or_default();
            return Ok(Self::Opus(Box::new(OpusPackets::new(head)?)));
        }
        let options = AudioDecoderOptions::default().gapless(true);
        match symphonia::default::get_codecs().make_audio_decoder(params, &options) {
            Ok(decoder) => Ok(Self::Symphonia(decoder)),
            Err(SymphoniaError::Unsupported(what)) => Err(match codec_name(params) {
                Some(name) => unsupported(name),
                None => unsupported(&format!("its codec ({what})")),
            }),
            Err(error) => Err(Error::new(ErrorKind::Damaged, error.to_string())),
        }
    }

    /// Name of the decoder.
    pub(super) fn decoder(&self) -> &'static str {
        match self {
            Self::Symphonia(_) => "symphonia",
            Self::Opus(_) => "opus-pure",
        }
    }

    /// Short name of the codec.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Symphonia(decoder) => decoder.codec_info().short_name,
            Self::Opus(_) => "opus",
        }
    }

    /// Samples at the start of the stream that precede the audio, according to the codec.
    pub(super) fn pre_skip(&self) -> u64 {
        match self {
            Self::Symphonia(_) => 0,
            Self::Opus(opus) => opus.pre_skip,
        }
    }

    /// Forgets earlier packets, after seeking.
    pub(super) fn reset(&mut self) {
        match self {
            Self::Symphonia(decoder) => decoder.reset(),
            Self::Opus(opus) => opus.reset(),
        }
    }

    /// Appends the mono samples of `packet` to `out`. Returns their rate and the number of channels.
    pub(super) fn decode(
        &mut self,
        packet: &Packet,
        mixer: &mut Mixer,
        out: &mut Vec<f32>,
    ) -> Result<(u32, usize), PacketError> {
        match self {
            Self::Symphonia(decoder) => match decoder.decode(packet) {
                Ok(buffer) => {
                    mixer.append(&buffer, out);
                    let spec = buffer.spec();
                    Ok((spec.rate(), spec.channels().count()))
                }
                Err(SymphoniaError::Unsupported(what)) => Err(PacketError::Unsupported(what)),
                Err(_) => Err(PacketError::Damaged),
            },
            Self::Opus(opus) => {
                let start = out.len();
                opus.decode(&packet.data, mixer, out)
                    .ok_or(PacketError::Damaged)?;
                let trim = |d: symphonia::core::units::Duration| d.get() as usize;
                let end = (out.len() - start).saturating_sub(trim(packet.trim_end));
                out.truncate(start + end);
                out.drain(start..start + end.min(trim(packet.trim_start)));
                Ok((OPUS_RATE, opus.channels))
            }
        }
    }
}

/// Names of codecs that containers carry and that have no decoder here.
fn codec_name(params: &AudioCodecParameters) -> Option<&'static str> {
    use symphonia::core::codecs::audio::well_known as id;
    let names = [
        (id::CODEC_ID_AAC, "this profile of AAC"),
        (id::CODEC_ID_AC3, "Dolby Digital (AC-3)"),
        (id::CODEC_ID_EAC3, "Dolby Digital Plus (E-AC-3)"),
        (id::CODEC_ID_AC4, "Dolby AC-4"),
        (id::CODEC_ID_TRUEHD, "Dolby TrueHD"),
        (id::CODEC_ID_DCA, "DTS"),
        (id::CODEC_ID_SPEEX, "Speex"),
        (id::CODEC_ID_MUSEPACK, "Musepack"),
        (id::CODEC_ID_WMA, "Windows Media Audio"),
        (id::CODEC_ID_WAVPACK, "WavPack"),
        (id::CODEC_ID_MONKEYS_AUDIO, "Monkey's Audio (APE)"),
        (id::CODEC_ID_TTA, "True Audio (TTA)"),
        (id::CODEC_ID_ATRAC1, "ATRAC"),
        (id::CODEC_ID_ATRAC3, "ATRAC3"),
    ];
    let mut names = names.into_iter();
    names.find_map(|(codec, name)| (codec == params.codec).then_some(name))
}

/// Largest magnitude of audio: 100 dB above full scale.
const LIMIT: f32 = 1e5;

/// Whether all samples are plausible. NaN, infinity and absurd magnitudes are damage.
pub(super) fn is_audio(samples: &[f32]) -> bool {
    // NaN fails the comparison. No early exit, so that it runs in SIMD lanes.
    samples.iter().fold(true, |ok, x| ok & (x.abs() <= LIMIT))
}
