# What pages say, in Portuguese.

## Frame
nav-inbox = Caixa de entrada
nav-overview = Visão geral
nav-findings = Achados
nav-sensors = Sensores
nav-rules = Regras
nav-reports = Relatórios
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
