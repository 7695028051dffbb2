//! What a notice says, in the languages that recipients read.

/// The sentences of one language.
#[derive(Debug)]
pub(super) struct Texts {
    /// As in the language's tag.
    language: &'static str,
    /// Takes the organisation and the number of findings.
    pub(super) subject: &'static str,
    pub(super) greeting: &'static str,
    /// Takes the organisation.
    pub(super) intro: &'static str,
    /// Stands before what is back after it was gone.
    pub(super) relapsed: &'static str,
    pub(super) hidden: &'static str,
    pub(super) request: &'static str,
    pub(super) attached: &'static str,
    /// Takes the label.
    pub(super) label: &'static str,
}

/// The languages there are.
pub const LANGUAGES: [&str; 6] = ["en", "fr", "es", "pt", "ar", "ru"];

/// The sentences of a language; English where there are none.
pub(super) fn texts(language: &str) -> &'static Texts {
    ALL.iter()
        .find(|texts| texts.language == language)
        .copied()
        .unwrap_or(&ENGLISH)
}

static ALL: [&Texts; 6] = [&ENGLISH, &FRENCH, &SPANISH, &PORTUGUESE, &ARABIC, &RUSSIAN];

static ENGLISH: Texts = Texts {
    language: "en",
    subject: "{organisation}: {count} findings in your network",
    greeting: "Good day,",
    intro: "the sensors of {organisation} saw the following traffic of systems that you are responsible for. Times are UTC.",
    relapsed: "Seen again after it had been gone:",
    hidden: "Where no address stands, your own policy keeps it back; source port and time to the millisecond lead you to it.",
    request: "Please look into it and have the systems cleaned. When our sensors see nothing more, we close the case; there is no need to answer.",
    attached: "The same as CSV and as XARF reports is attached, for your own tools.",
    label: "This message is {label}: please pass it on no further than that allows.",
};

static FRENCH: Texts = Texts {
    language: "fr",
    subject: "{organisation} : {count} constats dans votre réseau",
    greeting: "Bonjour,",
    intro: "les capteurs de {organisation} ont vu le trafic suivant de systèmes dont vous êtes responsable. Les heures sont en UTC.",
    relapsed: "Revu après une absence :",
    hidden: "Là où l'adresse manque, votre propre politique la retient ; le port source et l'heure à la milliseconde y mènent.",
    request: "Merci de vérifier et de faire nettoyer ces systèmes. Quand nos capteurs ne verront plus rien, nous fermerons le dossier ; il n'est pas nécessaire de répondre.",
    attached: "Les mêmes données sont jointes en CSV et en rapports XARF, pour vos propres outils.",
    label: "Ce message est {label} : merci de ne pas le transmettre au-delà de ce que cela permet.",
};

static SPANISH: Texts = Texts {
    language: "es",
    subject: "{organisation}: {count} hallazgos en su red",
    greeting: "Buenos días:",
    intro: "los sensores de {organisation} vieron el siguiente tráfico de sistemas de los que usted es responsable. Las horas son UTC.",
    relapsed: "Visto de nuevo después de haber desaparecido:",
    hidden: "Donde falta la dirección, la retiene su propia política; el puerto de origen y la hora al milisegundo llevan a ella.",
    request: "Le rogamos que lo investigue y haga limpiar los sistemas. Cuando nuestros sensores no vean nada más, cerraremos el caso; no hace falta responder.",
    attached: "Se adjunta lo mismo en CSV y en informes XARF, para sus propias herramientas.",
    label: "Este mensaje es {label}: le rogamos no difundirlo más allá de lo que eso permite.",
};

static PORTUGUESE: Texts = Texts {
    language: "pt",
    subject: "{organisation}: {count} ocorrências na sua rede",
    greeting: "Bom dia,",
    intro: "os sensores de {organisation} viram o seguinte tráfego de sistemas pelos quais é responsável. As horas são UTC.",
    relapsed: "Visto de novo depois de ter desaparecido:",
    hidden: "Onde falta o endereço, é a sua própria política que o retém; a porta de origem e a hora ao milissegundo levam a ele.",
    request: "Pedimos que investigue e mande limpar os sistemas. Quando os nossos sensores nada mais virem, fecharemos o caso; não é preciso responder.",
    attached: "O mesmo segue em anexo em CSV e em relatórios XARF, para as suas próprias ferramentas.",
    label: "Esta mensagem é {label}: pedimos que não a divulgue além do que isso permite.",
};

static ARABIC: Texts = Texts {
    language: "ar",
    subject: "{organisation}: عدد {count} من الملاحظات في شبكتكم",
    greeting: "تحية طيبة،",
    intro: "رصدت مستشعرات {organisation} حركة البيانات التالية من أنظمة تقع تحت مسؤوليتكم. الأوقات بالتوقيت العالمي المنسق.",
    relapsed: "رُصد مجددًا بعد أن كان قد اختفى:",
    hidden: "حيث لا يظهر العنوان فإن سياستكم هي التي تحجبه؛ ويدلّكم عليه منفذ المصدر والوقت بدقة جزء من الألف من الثانية.",
    request: "نرجو التحقق من الأمر وتنظيف الأنظمة. عندما لا ترصد مستشعراتنا شيئًا بعد ذلك نغلق الحالة، ولا حاجة إلى الرد.",
    attached: "البيانات نفسها مرفقة بصيغة CSV وبتقارير XARF لأدواتكم.",
    label: "هذه الرسالة مصنفة {label}: نرجو عدم نقلها إلى أبعد مما يسمح به ذلك.",
};

static RUSSIAN: Texts = Texts {
    language: "ru",
    subject: "{organisation}: обнаружено в вашей сети: {count}",
    greeting: "Здравствуйте!",
    intro: "Датчики {organisation} зафиксировали следующий трафик систем, за которые вы отвечаете. Время указано по UTC.",
    relapsed: "Снова замечено после исчезновения:",
    hidden: "Где нет адреса, его удерживает ваша собственная политика; найти его помогут порт источника и время с точностью до миллисекунды.",
    request: "Просим проверить и очистить системы. Когда наши датчики больше ничего не увидят, мы закроем дело; отвечать не нужно.",
    attached: "То же приложено в виде CSV и отчётов XARF для ваших собственных средств.",
    label: "Это сообщение {label}: просим не передавать его дальше, чем это допускается.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_all() {
        for language in LANGUAGES {
            let texts = texts(language);
            assert_eq!(texts.language, language);
            assert!(texts.subject.contains("{organisation}") && texts.subject.contains("{count}"));
            assert!(texts.intro.contains("{organisation}") && texts.label.contains("{label}"));
        }
        assert_eq!(texts("xx").language, "en");
    }
}
