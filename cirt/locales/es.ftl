# What pages say, in Spanish.

## Frame
nav-inbox = Bandeja
nav-overview = Resumen
nav-findings = Hallazgos
nav-sensors = Sensores
nav-rules = Reglas
nav-reports = Informes
nav-users = Personas
nav-audit = Auditoría
nav-main = Principal
nav-account = Su cuenta
skip-to-content = Ir al contenido
sign-out = Cerrar sesión
keys-hint = Teclas: j y k mueven, Intro abre, / busca, ? muestra esto
role-viewer = lector
role-analyst = analista
role-rule-editor = editor de reglas
role-fleet = flota
role-administrator = administrador
role-isp-contact = contacto del proveedor
scope-nation = todo el país
none-yet = Nada todavía.
never = nunca
yes = sí
no = no
save = Guardar
add = Añadir

## Login
login-title = Iniciar sesión
login-user = Usuario
login-password = Contraseña
login-code = Código de un solo uso, si lo ha configurado
login-stale = El formulario había caducado. Inténtelo de nuevo.
login-paused = Demasiados intentos fallidos. Espere { $count } min e inténtelo de nuevo.
login-wrong = Ese usuario, contraseña y código no concuerdan.

## Account
account-title = Su cuenta
account-language = Idioma
account-language-browser = según el navegador
account-second-factor = Segundo factor
account-second-factor-on = Hay un segundo factor: cada inicio de sesión requiere un código.
account-second-factor-off = No hay segundo factor. Configúrelo ahora.
account-second-factor-how = Escanee esto con una aplicación de autenticación, o escriba la clave, y ponga el código que muestra.
account-second-factor-key = Clave
account-code = Código
account-second-factor-set = Configurar
account-second-factor-replace = Sustituirlo
account-tokens = Tokens para programas
account-token-name = Para qué es
account-token-scopes = Qué puede hacer
account-token-days = Días
account-token-until = Hasta, UTC
account-token-used = Último uso, UTC
account-token-revoke = Revocar
account-token-over = terminado
account-token-new = El nuevo token, mostrado una vez:

## People
users-title = Personas
users-add = Añadir una persona
users-name = Nombre
users-role = Rol
users-sees = Ve
users-last-login = Último acceso, UTC
users-disable = Desactivar
users-disabled = desactivado
users-reset = Nueva contraseña
users-secret = Contraseña de { $value }, mostrada una vez:
tenants-title = Proveedores y sectores
tenants-kind = Tipo
tenants-provider = proveedor
tenants-sector = sector
tenants-full-name = Nombre completo
tenants-add = Añadir un proveedor o sector

## Audit
audit-title = Registro de auditoría
audit-whole = { $count } líneas, cada una encadenada a la anterior: ninguna cambió. Anote este resumen en otro lugar:
audit-broken = La línea { $count } no es lo que era.
audit-when = Cuándo, UTC
audit-who = Quién
audit-what = Qué
audit-subject = Sobre qué

## Findings
findings-count = { $count ->
    [one] 1 hallazgo
   *[other] { $count } hallazgos
    }

## Sensors
sensors-place = Dónde está
sensors-nowhere = ningún proveedor ni sector
