//! The boards that there are images for, and how far each was tried.

use clap::ValueEnum;

/// What an image is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Board {
    /// Mini-PCs and servers with an Intel or AMD processor and UEFI
    #[value(name = "uefi-x86_64")]
    UefiX86_64,
    /// Servers and virtual machines with an ARM processor and UEFI
    #[value(name = "uefi-arm64")]
    UefiArm64,
    /// Raspberry Pi 3, 4 and Zero 2 W, by U-Boot
    #[value(name = "sbc-arm64")]
    SbcArm64,
}

/// What starts the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BootLoader {
    /// systemd-boot: where it is in its package, and where UEFI looks for it.
    Systemd {
        file: &'static str,
        place: &'static str,
    },
    /// U-Boot behind the firmware of a Raspberry Pi, with a script of ours.
    UBoot,
}

impl Board {
    /// All.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 3] = [Self::UefiX86_64, Self::UefiArm64, Self::SbcArm64];

    /// Its name on the command line, in the lock file and in the image.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::UefiX86_64 => "uefi-x86_64",
            Self::UefiArm64 => "uefi-arm64",
            Self::SbcArm64 => "sbc-arm64",
        }
    }

    /// How far it was tried; nothing claims more.
    pub(crate) fn tried(self) -> &'static str {
        match self {
            Self::UefiX86_64 => "booted in test (QEMU q35 with OVMF)",
            Self::UefiArm64 | Self::SbcArm64 => "a recipe only: not built, not booted",
        }
    }

    /// The number of its processor in the head of a program (ELF).
    pub(crate) fn machine(self) -> usize {
        match self {
            Self::UefiX86_64 => 62,
            Self::UefiArm64 | Self::SbcArm64 => 183,
        }
    }

    /// What starts the kernel.
    pub(crate) fn boot_loader(self) -> BootLoader {
        match self {
            Self::UefiX86_64 => BootLoader::Systemd {
                file: "usr/lib/systemd/boot/efi/systemd-bootx64.efi",
                place: "EFI/BOOT/BOOTX64.EFI",
            },
            Self::UefiArm64 => BootLoader::Systemd {
                file: "usr/lib/systemd/boot/efi/systemd-bootaa64.efi",
                place: "EFI/BOOT/BOOTAA64.EFI",
            },
            Self::SbcArm64 => BootLoader::UBoot,
        }
    }

    /// Where the kernel speaks, with a blank behind it; the last one is the console of process 1. Without one it is what the
    /// board's device tree names.
    pub(crate) fn consoles(self) -> &'static str {
        match self {
            Self::UefiX86_64 => "console=tty0 console=ttyS0,115200 ",
            Self::UefiArm64 => "console=tty0 console=ttyAMA0 ",
            Self::SbcArm64 => "",
        }
    }
}
