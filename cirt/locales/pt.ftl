# What pages say, in Portuguese.

## Frame
nav-inbox = Caixa de entrada
nav-overview = Visão geral
nav-findings = Achados
nav-sensors = Sensores
nav-rules = Regras
nav-reports = Relatórios
nav-alarms = Alarmes
nav-users = Pessoas
nav-audit = Auditoria
nav-main = Principal
nav-account = A sua conta
skip-to-content = Ir para o conteúdo
sign-out = Sair
keys-hint = Teclas: j e k movem, Enter abre, / procura, ? mostra isto
role-viewer = leitor
role-analyst = analista
role-rule-editor = editor de regras
role-fleet = frota
role-administrator = administrador
role-isp-contact = contacto do provedor
scope-nation = todo o país
none-yet = Nada ainda.
never = nunca
yes = sim
no = não
save = Guardar
add = Adicionar

## Login
login-title = Entrar
login-user = Nome de utilizador
login-password = Palavra-passe
login-code = Código único, se o configurou
login-stale = O formulário expirou. Tente de novo.
login-paused = Demasiadas tentativas falhadas. Espere { $count } min e tente de novo.
login-wrong = Esse nome, palavra-passe e código não combinam.

## Account
account-title = A sua conta
account-language = Idioma
account-language-browser = conforme o navegador
account-second-factor = Segundo fator
account-second-factor-on = Há um segundo fator: cada entrada exige um código.
account-second-factor-off = Não há segundo fator. Configure-o agora.
account-second-factor-how = Leia isto com uma aplicação de autenticação, ou escreva a chave, e introduza o código mostrado.
account-second-factor-key = Chave
account-code = Código
account-second-factor-set = Configurar
account-second-factor-replace = Substituí-lo
account-tokens = Tokens para programas
account-token-name = Para que serve
account-token-scopes = O que pode fazer
account-token-days = Dias
account-token-until = Até, UTC
account-token-used = Último uso, UTC
account-token-revoke = Revogar
account-token-over = terminado
account-token-new = O novo token, mostrado uma vez:

## People
users-title = Pessoas
users-add = Adicionar uma pessoa
users-name = Nome
users-role = Papel
users-sees = Vê
users-last-login = Última entrada, UTC
users-disable = Desativar
users-disabled = desativado
users-reset = Nova palavra-passe
users-secret = Palavra-passe de { $value }, mostrada uma vez:
tenants-title = Provedores e setores
tenants-kind = Tipo
tenants-provider = provedor
tenants-sector = setor
tenants-full-name = Nome completo
tenants-add = Adicionar um provedor ou setor

## Audit
audit-title = Registo de auditoria
audit-whole = { $count } linhas, cada uma ligada à anterior: nenhuma mudou. Anote este resumo noutro lugar:
audit-broken = A linha { $count } não é o que era.
audit-when = Quando, UTC
audit-who = Quem
audit-what = O quê
audit-subject = Sobre o quê

## Findings
findings-count = { $count ->
    [one] { $count } achado
   *[other] { $count } achados
    }

## Sensors
sensors-place = Onde está
sensors-nowhere = nenhum provedor nem setor

## Words used everywhere
search = Procurar
sensor = Sensor
provider = Provedor
finding = Achado
source = Origem
destination = Destino
rule = A regra
category = Categoria
class-type = Classe
references = Referências
case = Caso
ago-seconds = há { $count } s
ago-minutes = há { $count } min
ago-hours = há { $count } h
ago-days = há { $count } d
ago-future = no futuro
severity-high = Alta
severity-medium = Média
severity-low = Baixa
severity-info = Info
sensors-count = { $count ->
    [one] { $count } sensor
   *[other] { $count } sensores
    }

## Inbox
inbox-groups = { $count ->
    [one] { $count } grupo
   *[other] { $count } grupos
    }
inbox-open = Abertos
inbox-mine = Meus
inbox-free = De ninguém
inbox-closed = Fechados
inbox-search = Palavras da regra, um sid ou uma classe
inbox-empty = Nada aqui. Quieto não é o mesmo que cego: veja se os sensores estão em contacto.
inbox-folded = { $count ->
    [one] mais { $count } grupo, recolhido
   *[other] mais { $count } grupos, recolhidos
    }
inbox-with-chosen = Com os escolhidos
tier-infection = Assinantes infetados a comunicar
tier-critical = Infraestrutura crítica
tier-widespread = Visto por muitos provedores
tier-grave = Graves
tier-other = Outros
tier-noise = Ruído
reason-infection = { $count ->
    [one] { $count } achado de um assinante que liga para fora
   *[other] { $count } achados de assinantes que ligam para fora
    }
reason-critical = { $count ->
    [one] { $count } achado toca infraestrutura crítica
   *[other] { $count } achados tocam infraestrutura crítica
    }
reason-many-providers = { $count ->
    [one] visto por { $count } provedor
   *[other] visto por { $count } provedores ao mesmo tempo
    }
reason-severity-high = a regra diz: alta
reason-severity-medium = a regra diz: média
reason-severity-low = a regra diz: baixa
reason-severity-info = a regra diz: informativo
reason-came-back = { $count ->
    [one] voltou depois de fechado
   *[other] voltou { $count } vezes depois de fechado
    }
reason-silent = { $count ->
    [one] em silêncio há { $count } dia
   *[other] em silêncio há { $count } dias
    }
came-back = voltou
closed-at = fechado { $value }
act-do = Fazer
act-take = Assumir
act-assign = Atribuído a
act-classify = Classe (RSIT)
act-merge = Caso
act-notified = Avisado
act-notified-whom = quem e como
act-comment = Comentar
act-close = Fechar
act-close-with = Fechar com esta nota
act-reopen = Reabrir
views-title = Vistas guardadas
views-name = Guardar esta vista como
views-share = também para colegas
views-forget = Esquecer { $value }
cases-title = Casos
cases-new = Abrir um caso
cases-empty = Nenhum grupo neste caso ainda.

## A group
group-why = Porque está neste lugar
group-days = Achados por dia, 30 dias
group-places = Onde foi visto
group-newest = Os achados mais recentes
group-all-findings = Todos os achados deste grupo
group-work = Trabalhar nisto
group-facts = O que se sabe
group-timeline = O que foi feito
playbook = O que fazer primeiro
playbook-infected = Dê ao provedor o sensor, a hora ao milissegundo, a porta de origem e o outro extremo; ele encontra o assinante. Procure esse extremo em todos os provedores: quem fala com ele também está infetado. Feche após uma semana de silêncio.
playbook-scan = Varreduras de fora são como o tempo: aja se muitos provedores veem a mesma origem ou se ela encontrou algo. Uma varredura de um assinante é uma infeção: trate-a assim.
playbook-brute-force = Procure uma entrada bem-sucedida depois das falhas. Diga ao dono do alvo que mude as palavras-passe, ative um segundo fator e limite quem se liga.
playbook-exploit = Veja o que o alvo respondeu: os bytes para o cliente dizem se resultou. Diga ao dono qual é o produto e onde está a correção. Procure a origem em todos os sensores.
playbook-denial = Peça ao provedor do alvo a taxa e se as origens são falsas. Peça filtragem a montante. O tráfego refletido vem de serviços abertos: encontre e feche os nossos.
playbook-other = Leia a regra e as referências, e veja quem mais viu cada extremo. Se não for nada, diga porquê e feche; volta por si.
event-assigned = atribuído
event-comment = comentou
event-classified = classificado
event-tlp = TLP definido
event-notified = avisados os interessados
event-closed = fechado
event-reopened = reaberto
event-relapse = voltou por si
event-merged = posto num caso
fact-findings = Achados
fact-alerts = Alertas
fact-sensors = Sensores
fact-providers = Provedores
fact-first = Primeira vez, UTC
fact-last = Última vez, UTC
fact-stored = Conhecido aqui desde, UTC
fact-notified = Avisado, UTC
fact-closed = Fechado, UTC

## Findings
filter = Filtrar
filter-query = Consulta: severity:high since:7d host:bad.example palavras
filter-since = Desde
filter-until = Até
filter-severity = Gravidade
filter-rule = Regra
filter-address = Endereço
filter-host = Host
filter-any = qualquer
filter-medium-up = média e acima
filter-low-up = baixa e acima
filter-remove = Retirar o filtro { $value }
filter-remove-all = Retirar todos
filter-more = Mais filtros
download-csv = Transferir CSV
pages = Páginas
pages-newest = Mais recentes
pages-older = Mais antigos
withheld = retido
pseudonym = pseudónimo
withheld-means = A política do provedor retém este endereço.
pseudonym-means = Pseudónimo com a chave { $value } do provedor. Só ele o pode reverter.
finding-said = O que foi dito
finding-no-facts = O sensor não enviou factos da aplicação.
finding-when = Quando, UTC
finding-how-much = Quanto
finding-origin = De onde vem
finding-rule-unknown = O texto desta regra não é conhecido aqui. Adicione-o com:
finding-who-else = Quem mais viu { $value }
finding-who-nobody = Nenhum outro sensor o viu.
finding-group = O seu grupo
go-on = Continuar
go-same-rule = Achados desta regra
go-same-sensor = Achados deste sensor
go-address = Achados com { $value }

## A finding
direction-to-server = para o servidor
direction-to-client = para o cliente
direction-unknown = sem fluxo
packets-count = { $count ->
    [one] { $count } pacote
   *[other] { $count } pacotes
    }
finding-first-packet = Primeiro pacote
finding-last-packet = Último pacote
finding-flow-began = Início do fluxo
finding-written = Escrito pelo sensor
finding-clock = Relógio do sensor
finding-stored = Guardado aqui
finding-alerts = Alertas neste achado
finding-protocol = Protocolo
finding-action = Ação da regra
finding-batch = Lote
finding-record = Registo
finding-policy = Política

## Overview
summary-missing = registos em falta
summary-doubled = registos duplicados
summary-over-time = Achados no tempo
summary-bar = uma barra é { $value }
summary-peak = a mais alta { $value }
summary-by-rule = Por regra
summary-by-sensor = Por sensor
summary-by-provider = Por provedor
summary-by-category = Por categoria
summary-fleet = A frota

## Sensors
condition-pending = espera aprovação
condition-revoked = excluído
condition-offline = sem ligação
condition-unknown = desconhecido
condition-blind = cego
condition-wrong-clock = relógio errado
condition-starved = sem orçamento
condition-stale-rules = regras antigas
condition-seeing = vê
condition-quiet = quieto
cause-approval = uma pessoa deve comparar a chave e decidir
cause-decision = uma pessoa decidiu
cause-never-heard = nunca contactou
cause-silent = { $count ->
    [one] sem notícias há { $count } hora
   *[other] sem notícias há { $count } horas
    }
cause-no-status = em contacto, mas nada disse de si
cause-no-packets = captura: não chega nenhum pacote
cause-not-decoded = descodificação: { $count } % dos pacotes não são entendidos
cause-dropped = captura: { $count } % dos pacotes perdidos
cause-no-policy = política: espera a assinatura do provedor
cause-clock-unset = relógio: nunca foi acertado
cause-clock-ahead = relógio: { $count } min adiantado
cause-held = ligação: o registo mais antigo espera há { $count } h
cause-old-pack = regras: não é o pacote mais recente
cause-no-rules = regras: nenhuma carregada
cause-findings = { $count ->
    [one] { $count } achado num dia
   *[other] { $count } achados num dia
    }
cause-traffic = vê tráfego, e nada nele
sensors-none = Nenhum sensor inscrito. Crie um vale com:
sensors-condition = Estado
sensors-explain = Cada sensor numera os registos sem buracos: produzidos = guardados + despejados + em falta. Despejado: um disco cheio largou-o e disse-o; em falta: a caminho, ou perdido.
sensor-identity = Identidade
sensor-fingerprint = Impressão da chave
sensor-asked = Inscrição pedida
sensor-decided = Decidido
sensor-decided-by = Decidido por
sensor-certificate = Certificado até
sensor-contact = Último contacto
sensor-address = Último endereço
sensor-batches = Lotes guardados
sensor-batches-again = Lotes repetidos
sensor-batches-unreadable = Lotes ilegíveis
sensor-batches-conflicting = Lotes em conflito
sensor-records-again = Registos repetidos
sensor-findings-told = Achados segundo os resumos
sensor-findings-kept-back = Retidos pela política
sensor-heartbeat = Batimento
sensor-software = Software
sensor-pack = Pacote de regras
sensor-waiting = À espera lá
sensor-decide = Decidir
sensor-compare = Peça ao técnico que leia a impressão no aparelho. Aprove só se for igual a esta.
sensor-approve = Aprovar { $value }
sensor-revoke = Revogar { $value }
sensor-machine = O que o aparelho disse de si
coverage = O que foi inspecionado
coverage-until = Até
coverage-packets = Pacotes
coverage-decoded = Pacotes entendidos
coverage-dropped = Pacotes perdidos
coverage-bytes = Bytes
coverage-inspected = Inspecionado
coverage-rules = Regras ativas
coverage-unsupported = Regras não suportadas
coverage-vetoed = Regras vetadas pelo provedor
books = Contas
books-balance = certas
books-alarms = certas, com alarmes
books-nothing = nada ainda
books-missing = { $count } em falta
books-doubled = { $count } duplicados
books-by-lane = Contas por via
books-outbox = Caixa de saída
books-lane = Via
books-produced = Produzidos
books-stored = Guardados
books-evicted = Despejados
books-lost = Em falta
books-holes = Números em falta
alarms = Alarmes
alarm-detail = Detalhe

## News and reports
live-news = novos achados.
live-show = Mostrá-los
report-weekly = Relatório semanal
report-monthly = Relatório mensal
report-period = Período
report-week = sete dias
report-month = mês civil
report-end = Antes deste dia
report-show = Mostrar
report-trend = face ao período anterior
report-matters = O que importou
report-tier = Nível
report-work = Quanto demorou o trabalho
report-step = Passo
report-median = Mediana
report-of = Grupos
report-detect = até ser conhecido aqui
report-notify = até avisar os interessados
report-remediate = até ser fechado
report-classes = Grupos por classe (RSIT)
report-made = Feito { $value } com as somas do armazém.

## Rules desk
rules-known = { $value } regras conhecidas
rules-draft = Rascunho, na linguagem do Suricata
rules-check = Verificar e correr sobre capturas
rules-import = Dar a conhecer estes textos às páginas
rules-captures = { $count ->
    [one] { $count } captura em
   *[other] { $count } capturas em
    }
rules-result = No que dá o rascunho
rules-imported = As páginas já conhecem estas regras. Os sensores tê-las-ão ao publicar.
rules-run = Regras que funcionam
rules-refused = Recusadas
rules-size = Tamanho do pacote
rules-message = Mensagem
rules-difference = Face ao conhecido
rules-alerts = Alertas
rules-back-test = Sobre capturas guardadas
rules-capture = Captura
rules-took = Duração
rules-who-runs = Que sensor corre o quê
rules-published = Publicado { $value } UTC:
rules-not-published = Nenhum pacote publicado:
rules-newest = o mais recente
rules-older = outro
draft-new = nova
draft-changed = alterada
draft-not-newer = alterada, mas o rev não é maior
draft-same = igual

## Questions in SQL
sql-title = Perguntas em SQL
sql-explain = Um único SELECT sobre as tabelas abaixo. Apenas as suas próprias linhas, no máximo { $value } s, só de leitura; o que pergunta fica no registo de auditoria.
sql-question = A pergunta
sql-ask = Perguntar
sql-answer = A resposta
sql-cut = Há mais linhas: acrescente LIMIT ou some, ou descarregue tudo o que uma resposta pode ter.
sql-examples = Para começar
sql-tables = Tabelas e colunas
sql-example-ports = Que portas foram visadas nos últimos sete dias
sql-example-many-sensors = Que endereços vários sensores viram
sql-example-rules = Que regras encontram mais, e em quantos sensores
sql-example-hours = As horas mais carregadas dos sensores
sql-rows = { $count ->
    [one] { $count } linha
   *[other] { $count } linhas
    }

## Suppressions
suppressions-title = Silenciamentos
suppressions-explain = Nada se perde: os achados silenciados ficam guardados, encontram-se e contam em todas as somas. Ficam fora dos grupos da caixa de entrada e não dão alarme. O que já estava num grupo fica lá.
suppressed-this-week = { $count ->
    [one] { $count } achado silenciado em sete dias
   *[other] { $count } achados silenciados em sete dias
    }
suppressions-what = O quê
suppressions-why = Porquê
suppressions-week = Em sete dias
suppressions-all = No total
suppressions-since = Desde, UTC
suppressions-until = Até, UTC
suppressions-ended = terminado
suppressions-expired = expirado
suppressions-end = Terminar
suppressions-add = Silenciar a partir de agora
suppressions-network = Rede de uma ponta
suppressions-days = Dias
suppressions-close = e fechar o grupo da regra
suppressions-do = Silenciar
suppress-this-rule = Silenciar esta regra…
finding-suppressed = Mantido fora do grupo pelo silenciamento

## Alarms by mail and webhook
alarms-explain = Pessoas e programas são avisados do que chega desde que uma regra é criada, de cada coisa uma vez. Uma mensagem nomeia regras, sensores e quantidades, nunca um endereço nem um conteúdo. O correio sai pelo servidor de exchange.toml.
alarms-secret = Segredo de { $value }, mostrado uma só vez:
alarms-targets = Quem é avisado
alarms-address = Correio ou endereço https://
alarms-pause = Minutos entre mensagens
alarms-authority = Certificados da sua autoridade (PEM), se os navegadores não a conhecem
alarms-add-target = Adicionar
alarms-try = Experimentar
alarms-remove = Remover
alarms-rules = De que se avisa
alarms-what = O quê
alarms-where = Onde
alarms-whom = A quem
alarms-kind-group = Um grupo aparece, agrava-se ou volta
alarms-kind-sensor = Um sensor fica
alarms-kind-batch = Problema com um lote
alarms-messages = Mensagens
alarms-events = Acontecimentos
alarms-state = Estado
alarms-state-waiting = à espera
alarms-state-sent = enviada
alarms-state-given-up = abandonada
alarms-count = { $count ->
    [one] { $count } alarme
   *[other] { $count } alarmes
    }
alarms-more = { $count ->
    [one] mais { $count } destes
   *[other] mais { $count } destes
    }
alarms-look = Mais nas páginas do centro.
alarms-test = Um teste de { $value }: as mensagens chegam.
