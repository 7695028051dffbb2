//! What is said to a technician, in the languages of the site file.

use std::str::FromStr;

use super::{Topic, Verdict};

/// A language that a technician reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// French.
    French,
    /// Spanish.
    Spanish,
    /// Portuguese.
    Portuguese,
}

impl FromStr for Language {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "en" => Ok(Self::English),
            "fr" => Ok(Self::French),
            "es" => Ok(Self::Spanish),
            "pt" => Ok(Self::Portuguese),
            _ => Err(format!(
                "`{text}` is no language of this program; write en, fr, es or pt"
            )),
        }
    }
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::English, Self::French, Self::Spanish, Self::Portuguese];

    fn of(self, words: [&'static str; 4]) -> &'static str {
        let [english, french, spanish, portuguese] = words;
        match self {
            Self::English => english,
            Self::French => french,
            Self::Spanish => spanish,
            Self::Portuguese => portuguese,
        }
    }

    /// PASS and FAIL are the same everywhere: they are what is read over the telephone.
    pub(super) fn verdict(self, verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Pass => "PASS",
            Verdict::Fail => "FAIL",
            Verdict::Unknown => "WAIT",
        }
    }

    pub(super) fn topic(self, topic: Topic) -> &'static str {
        self.of(match topic {
            Topic::Power => ["power", "alimentation", "alimentación", "alimentação"],
            Topic::Card => ["card", "carte", "tarjeta", "cartão"],
            Topic::Link => ["cable", "câble", "cable", "cabo"],
            Topic::Time => ["time", "heure", "hora", "hora"],
            Topic::Centre => ["centre", "centre", "centro", "centro"],
            Topic::Policy => ["policy", "politique", "política", "política"],
            Topic::Sensor => ["sensor", "capteur", "sensor", "sensor"],
            Topic::Traffic => [
                "mirrored traffic",
                "trafic en miroir",
                "tráfico en espejo",
                "tráfego espelhado",
            ],
            Topic::Directions => [
                "both directions",
                "deux sens",
                "dos sentidos",
                "dois sentidos",
            ],
            Topic::Decoded => ["can be read", "lisible", "legible", "legível"],
            Topic::Truncated => ["cut short", "tronqué", "cortado", "cortado"],
            Topic::Drops => ["lost", "perdu", "perdido", "perdido"],
        })
    }

    /// The next thing to do where something is not well.
    pub(super) fn next_step(self, topic: Topic) -> &'static str {
        self.of(match topic {
            Topic::Power => [
                "use the power supply that came with the board, and a short cable",
                "utilisez l'alimentation fournie avec la carte et un câble court",
                "use la fuente de alimentación de la placa y un cable corto",
                "use a fonte de alimentação da placa e um cabo curto",
            ],
            Topic::Card => [
                "replace the card by a new one of 4 GB or more",
                "remplacez la carte par une neuve de 4 Go ou plus",
                "cambie la tarjeta por una nueva de 4 GB o más",
                "troque o cartão por um novo de 4 GB ou mais",
            ],
            Topic::Link => [
                "plug the cable of the mirror into this port; is the switch's port switched on?",
                "branchez le câble du miroir sur ce port ; le port du commutateur est-il activé ?",
                "conecte el cable del espejo a este puerto; ¿está activo el puerto del switch?",
                "ligue o cabo do espelho nesta porta; a porta do switch está ativa?",
            ],
            Topic::Time => [
                "wait until the network gives the time, or write time_servers into the site file",
                "attendez que le réseau donne l'heure, ou écrivez time_servers dans le fichier du site",
                "espere a que la red dé la hora, o escriba time_servers en el archivo del sitio",
                "espere que a rede dê a hora, ou escreva time_servers no arquivo do local",
            ],
            Topic::Centre => [
                "is the network cable in? may this machine reach the centre's port? was the sensor approved? ask the centre",
                "le câble réseau est-il branché ? le port du centre est-il joignable ? le capteur est-il approuvé ? appelez le centre",
                "¿está conectado el cable de red? ¿se alcanza el puerto del centro? ¿se aprobó el sensor? llame al centro",
                "o cabo de rede está ligado? a porta do centro é alcançável? o sensor foi aprovado? ligue para o centro",
            ],
            Topic::Policy => [
                "ask the ISP for policy.signed and isp.pub; without them only heartbeats leave",
                "demandez au FAI policy.signed et isp.pub ; sans eux seuls des signes de vie sortent",
                "pida al ISP policy.signed e isp.pub; sin ellos solo salen señales de vida",
                "peça ao provedor policy.signed e isp.pub; sem eles só saem sinais de vida",
            ],
            Topic::Sensor => [
                "wait a minute; then run lapwing check-config and read what it says",
                "attendez une minute ; puis lancez lapwing check-config et lisez ce qu'il dit",
                "espere un minuto; luego ejecute lapwing check-config y lea lo que dice",
                "espere um minuto; depois execute lapwing check-config e leia o que diz",
            ],
            Topic::Traffic => [
                "nothing comes: set the mirror (SPAN) up on the switch, or try the other port",
                "rien n'arrive : configurez le miroir (SPAN) sur le commutateur, ou essayez l'autre port",
                "no llega nada: configure el espejo (SPAN) en el switch, o pruebe el otro puerto",
                "nada chega: configure o espelho (SPAN) no switch, ou tente a outra porta",
            ],
            Topic::Directions => [
                "the mirror shows one direction: set it to both (rx and tx), or connect the tap's second port",
                "le miroir montre un seul sens : réglez-le sur les deux (rx et tx), ou branchez le second port du tap",
                "el espejo muestra un solo sentido: póngalo en ambos (rx y tx), o conecte el segundo puerto del tap",
                "o espelho mostra um só sentido: ajuste para ambos (rx e tx), ou ligue a segunda porta do tap",
            ],
            Topic::Decoded => [
                "most of what comes cannot be read: is it encrypted or in an unknown tunnel? choose another place for the mirror",
                "l'essentiel est illisible : chiffré ou dans un tunnel inconnu ? choisissez un autre endroit pour le miroir",
                "casi nada es legible: ¿cifrado o en un túnel desconocido? elija otro lugar para el espejo",
                "quase nada é legível: cifrado ou num túnel desconhecido? escolha outro lugar para o espelho",
            ],
            Topic::Truncated => [
                "the switch cuts packets: switch truncation off in its mirror settings",
                "le commutateur tronque les paquets : désactivez la troncature dans le miroir",
                "el switch corta paquetes: desactive el truncamiento en el espejo",
                "o switch corta pacotes: desative o truncamento no espelho",
            ],
            Topic::Drops => [
                "packets are lost: mirror less, or use a faster machine",
                "des paquets se perdent : mettez moins en miroir, ou une machine plus rapide",
                "se pierden paquetes: refleje menos, o use una máquina más rápida",
                "perdem-se pacotes: espelhe menos, ou use uma máquina mais rápida",
            ],
        })
    }
}
