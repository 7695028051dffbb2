//! What U-Boot does on a board: it takes the slot that `slot.txt` names (`boot_control/slot_file.rs`), or once the one to be tried.
//!
//! The script is packed in U-Boot's own form for scripts: 64 bytes of head, then the length of the text and the text. Numbers are big-endian.

/// The script. The device tree is the one that the board's firmware hands on.
pub(crate) const SCRIPT: &str = r#"# Lapwing: which slot is started stands in slot.txt.
test -n "${distro_bootpart}" || setenv distro_bootpart 1
setenv place "${devtype} ${devnum}:${distro_bootpart}"
if test "${board}" = rpi; then
  # The addresses that U-Boot would take lie too close together for this kernel.
  setenv kernel_addr_r 0x00200000
  setenv ramdisk_addr_r 0x08100000
fi
test -n "${fdt_addr}" || setenv fdt_addr ${fdtcontroladdr}
setenv slot a
setenv try
setenv tried
setenv aside
if load ${place} ${ramdisk_addr_r} /slot.txt; then
  env import -t ${ramdisk_addr_r} ${filesize} slot try tried aside
fi
test "${slot}" = b || setenv slot a
setenv next ${slot}
if test "${try}" = a || test "${try}" = b; then
  # It is tried once: where that cannot be written down it is not tried.
  setenv trying ${try}
  setenv tried ${try}
  setenv try
  if env export -t ${ramdisk_addr_r} slot tried aside && fatwrite ${place} ${ramdisk_addr_r} /slot.txt ${filesize}; then
    setenv next ${trying}
  fi
fi
if test ${next} = a; then setenv other b; else setenv other a; fi
for letter in ${next} ${other}; do
  echo "Lapwing: slot ${letter}"
  setenv bootargs
  if load ${place} ${ramdisk_addr_r} /lapwing/${letter}/boot.env && env import -t ${ramdisk_addr_r} ${filesize} bootargs; then
    if load ${place} ${kernel_addr_r} /lapwing/${letter}/kernel && load ${place} ${ramdisk_addr_r} /lapwing/${letter}/initrd; then
      booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdt_addr}
    fi
  fi
done
echo "Lapwing: no slot can be started"
sleep 10
reset
"#;

const MAGIC: u32 = 0x2705_1956;
const LINUX: u8 = 5;
const ARM64: u8 = 22;
const SCRIPT_KIND: u8 = 6;
const UNPACKED: u8 = 0;
const NAME: &[u8] = b"lapwing";
const NAME_BYTES: usize = 32;

/// Packs a script.
pub(crate) fn packed(script: &str, seconds: u64) -> anyhow::Result<Vec<u8>> {
    let mut body = u32::try_from(script.len())?.to_be_bytes().to_vec();
    // Lengths of scripts, with a zero behind the last.
    body.extend([0; 4]);
    body.extend(script.bytes());
    let head = |head_sum: u32| -> anyhow::Result<Vec<u8>> {
        let mut head = Vec::new();
        let time = u32::try_from(seconds)?;
        let (address, entry) = (0, 0);
        let numbers = [
            MAGIC,
            head_sum,
            time,
            u32::try_from(body.len())?,
            address,
            entry,
            crc32fast::hash(&body),
        ];
        numbers
            .iter()
            .for_each(|number| head.extend(number.to_be_bytes()));
        head.extend([LINUX, ARM64, SCRIPT_KIND, UNPACKED]);
        head.extend(NAME);
        head.resize(head.len() + NAME_BYTES - NAME.len(), 0);
        Ok(head)
    };
    let sum = crc32fast::hash(&head(0)?);
    let mut packed = head(sum)?;
    packed.extend(body);
    Ok(packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_that_of_a_script() {
        let packed = packed("echo\n", 1_800_000_000).unwrap();
        assert_eq!(packed.len(), 64 + 8 + 5);
        assert!(packed.starts_with(&[0x27, 0x05, 0x19, 0x56]));
        assert_eq!(packed[28..32], [5, 22, 6, 0]);
        assert_eq!(packed[64..72], [0, 0, 0, 5, 0, 0, 0, 0]);
        let mut head = packed[..64].to_vec();
        head[4..8].fill(0);
        assert_eq!(packed[4..8], crc32fast::hash(&head).to_be_bytes());
        assert_eq!(packed[24..28], crc32fast::hash(&packed[64..]).to_be_bytes());
    }
}
