//! Packets to mono samples, whichever decoder does it.

use super::{
    mix::append_mean,
    opus::{OpusHeadError, OpusPackets, SAMPLE_RATE as OPUS_RATE},
};
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

/// Why a track cannot be decoded.
pub(super) enum CodecError {
    /// There is no decoder for it: what it is.
    Unsupported(String),
    /// There is one, and it refuses the track's parameters.
    Malformed(Box<dyn std::error::Error + Send + Sync>),
}

/// Why a packet was not decoded.
pub(super) enum PacketError {
    /// It is damaged; the next one may be fine.
    Damaged,
    /// It uses something that the decoder does not know.
    Unsupported(&'static str),
}

impl Codec {
    /// `trim`: whether the decoder applies the trimming that the packets carry.
    pub(super) fn new(params: &AudioCodecParameters, trim: bool) -> Result<Self, CodecError> {
        if params.codec == CODEC_ID_OPUS {
            let head = params.extra_data.as_deref().unwrap_or_default();
            return match OpusPackets::new(head) {
                Ok(opus) => Ok(Self::Opus(Box::new(opus))),
                Err(error @ OpusHeadError::Mapping(_)) => {
                    Err(CodecError::Unsupported(error.to_string()))
                }
                Err(error) => Err(CodecError::Malformed(Box::new(error))),
            };
        }
        let options = AudioDecoderOptions::default().gapless(trim);
        match symphonia::default::get_codecs().make_audio_decoder(params, &options) {
            Ok(decoder) => Ok(Self::Symphonia(decoder)),
            Err(SymphoniaError::Unsupported(what)) => Err(CodecError::Unsupported(
                codec_name(params).map_or_else(|| format!("its codec ({what})"), str::to_owned),
            )),
            Err(error) => Err(CodecError::Malformed(Box::new(error))),
        }
    }

    /// Short name of the codec.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Symphonia(decoder) => decoder.codec_info().short_name,
            Self::Opus(_) => "opus",
        }
    }

    /// Samples at the start of the stream that are no sound, where the codec itself says so.
    pub(super) fn pre_skip(&self) -> u64 {
        match self {
            Self::Symphonia(_) => 0,
            Self::Opus(opus) => opus.pre_skip,
        }
    }

    /// Forgets the packets before: the next one stands elsewhere.
    pub(super) fn reset(&mut self) {
        match self {
            Self::Symphonia(decoder) => decoder.reset(),
            Self::Opus(opus) => opus.reset(),
        }
    }

    /// Appends the mono samples of `packet` to `out`. Gives their rate and the number of channels that they had.
    pub(super) fn decode(
        &mut self,
        packet: &Packet,
        out: &mut Vec<f32>,
    ) -> Result<(u32, usize), PacketError> {
        match self {
            Self::Symphonia(decoder) => match decoder.decode(packet) {
                Ok(buffer) => {
                    append_mean(&buffer, out);
                    let spec = buffer.spec();
                    Ok((spec.rate(), spec.channels().count()))
                }
                Err(SymphoniaError::Unsupported(what)) => Err(PacketError::Unsupported(what)),
                Err(_) => Err(PacketError::Damaged),
            },
            Self::Opus(opus) => {
                let start = out.len();
                opus.decode(&packet.data, out)
                    .map_err(|_| PacketError::Damaged)?;
                let trim = |d: symphonia::core::units::Duration| d.get() as usize;
                let end = (out.len() - start).saturating_sub(trim(packet.trim_end));
                out.truncate(start + end);
                out.drain(start..start + end.min(trim(packet.trim_start)));
                Ok((OPUS_RATE, opus.channels()))
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
    names
        .iter()
        .find(|(codec, _)| *codec == params.codec)
        .map(|(_, name)| *name)
}
